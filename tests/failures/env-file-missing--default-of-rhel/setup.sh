#!/bin/sh
set -eu

cat > /etc/systemd/system/chronicle.service <<'END'
[Service]
Type=oneshot
RemainAfterExit=yes
EnvironmentFile=/etc/sysconfig/chronicle
ExecStart=/bin/true
END
systemctl daemon-reload
