#!/bin/sh
set -eu

mkdir -p /opt/windmill/bin
printf '#!/bin/sh\nexec sleep infinity\n' > /opt/windmill/bin/windmill
chmod 755 /opt/windmill/bin/windmill
cat > /etc/systemd/system/windmill.service <<'END'
[Service]
WorkingDirectory=/opt/windmill
ExecStart=bin/windmill --grind
END
systemctl daemon-reload
