#!/bin/sh
set -eu

mkdir -p /opt/dashboard
cat > /opt/dashboard/index.js <<'END'
#!/opt/node18/bin/node
setInterval(() => {}, 1000);
END
chmod 755 /opt/dashboard/index.js
cat > /etc/systemd/system/dashboard.service <<'END'
[Service]
ExecStart=/opt/dashboard/index.js
END
systemctl daemon-reload
