#!/bin/sh
set -eu

cat > /etc/systemd/system/placeholder.service <<'END'
[Service]
User=root
END
systemctl daemon-reload
