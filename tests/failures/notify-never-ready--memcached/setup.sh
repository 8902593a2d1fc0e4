#!/bin/sh
set -eu

cat > /etc/systemd/system/cachebox.service <<'END'
[Service]
Type=notify
TimeoutStartSec=2
ExecStart=/usr/bin/memcached -u nobody -l 127.0.0.1 -p 18402
END
systemctl daemon-reload
