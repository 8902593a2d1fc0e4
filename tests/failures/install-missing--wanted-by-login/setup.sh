#!/bin/sh
set -eu

cat > /etc/systemd/system/backdrop.service <<'END'
[Service]
ExecStart=/usr/bin/sleep infinity

[Install]
WantedBy=multiuser.target
END
systemctl daemon-reload
