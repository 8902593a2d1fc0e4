#!/bin/sh
set -eu

cat > /etc/systemd/system/sandboxd.service <<'END'
[Service]
InaccessiblePaths=/etc/sandboxd/private
ProtectSystem=yes
ExecStart=/usr/bin/sleep infinity
END
systemctl daemon-reload
