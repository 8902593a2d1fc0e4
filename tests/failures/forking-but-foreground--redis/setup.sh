#!/bin/sh
set -eu

cat > /etc/systemd/system/kvstore.service <<'END'
[Service]
Type=forking
TimeoutStartSec=2
ExecStart=/usr/bin/redis-server --port 18409 --save "" --daemonize no
END
systemctl daemon-reload
