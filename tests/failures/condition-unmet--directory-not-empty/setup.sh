#!/bin/sh
set -eu

mkdir -p /var/spool/imports
cat > /etc/systemd/system/imports.service <<'END'
[Unit]
ConditionDirectoryNotEmpty=/var/spool/imports

[Service]
ExecStart=/usr/bin/sleep infinity
END
systemctl daemon-reload
