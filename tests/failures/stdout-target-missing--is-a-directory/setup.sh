#!/bin/sh
set -eu

mkdir -p /var/log/archive-sync
cat > /etc/systemd/system/archive-sync.service <<'END'
[Service]
StandardOutput=append:/var/log/archive-sync
ExecStart=/usr/bin/sleep infinity
END
systemctl daemon-reload
