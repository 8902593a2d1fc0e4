#!/bin/sh
set -eu

mkdir -p /home/paula/sketches
chmod 755 /home/paula /home/paula/sketches
cat > /etc/systemd/system/sketchpad.service <<'END'
[Service]
ProtectHome=tmpfs
WorkingDirectory=/home/paula/sketches
ExecStart=/usr/bin/sleep infinity
END
systemctl daemon-reload
