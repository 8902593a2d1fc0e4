#!/bin/sh
set -eu

mkdir -p /etc/sessions
cat > /etc/sessions/redis.conf <<'END'
port 18410
save ""
maxmemory-polcy allkeys-lru
END
cat > /etc/systemd/system/sessions.service <<'END'
[Service]
ExecStart=/usr/bin/redis-server /etc/sessions/redis.conf
END
systemctl daemon-reload
