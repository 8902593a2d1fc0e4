#!/bin/sh
set -eu

mkdir -p /opt/tallyho
echo archive > /opt/tallyho/data
cat > /etc/systemd/system/tallyho.service <<'END'
[Service]
WorkingDirectory=/opt/tallyho/data
ExecStart=/usr/bin/sleep infinity
END
systemctl daemon-reload
