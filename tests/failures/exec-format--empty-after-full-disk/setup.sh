#!/bin/sh
set -eu

mkdir -p /opt/beehive
: > /opt/beehive/beehive
chmod 755 /opt/beehive/beehive
cat > /etc/systemd/system/beehive.service <<'END'
[Service]
ExecStart=/opt/beehive/beehive
END
systemctl daemon-reload
