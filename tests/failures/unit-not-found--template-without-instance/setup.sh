#!/bin/sh
set -eu

cat > /etc/systemd/system/tenant-worker@.service <<'END'
[Service]
ExecStart=/usr/bin/sleep infinity
END
systemctl daemon-reload
