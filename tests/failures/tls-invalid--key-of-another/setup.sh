#!/bin/sh
set -eu

mkdir -p /etc/tlsgate
openssl req -x509 -newkey rsa:2048 -nodes -keyout /etc/tlsgate/right.pk -out /etc/tlsgate/gate.crt -subj /CN=gate -days 30 2>/dev/null
openssl genrsa -out /etc/tlsgate/gate.key 2048 2>/dev/null
cat > /etc/tlsgate/nginx.conf <<'END'
pid /run/tlsgate.pid;
events {}
http {
    server {
        listen 127.0.0.1:18433 ssl;
        ssl_certificate /etc/tlsgate/gate.crt;
        ssl_certificate_key /etc/tlsgate/gate.key;
    }
}
END
cat > /etc/systemd/system/tlsgate.service <<'END'
[Service]
ExecStart=/usr/sbin/nginx -c /etc/tlsgate/nginx.conf -g 'daemon off;'
END
systemctl daemon-reload
