#!/bin/sh
set -eu

mkdir -p /opt/mosaic/bin
cat > /usr/local/bin/mosaic <<'END'
#!/bin/sh
date +%s > /dev/null || exit 127
exec sleep infinity
END
chmod 755 /usr/local/bin/mosaic
cat > /etc/systemd/system/mosaic.service <<'END'
[Service]
Environment=PATH=/opt/mosaic/bin:${PATH}
ExecStart=/usr/local/bin/mosaic
END
systemctl daemon-reload
