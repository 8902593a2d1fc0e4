#!/bin/sh
set -eu

mkdir -p /etc/edgegate
cat > /etc/edgegate/haproxy.cfg <<'END'
defaults
    mode tcp
    timeout connect 1s
    timeout client 1s
    timeout server 1s
    balence roundrobin
listen gate
    bind 127.0.0.1:18411
    server one 127.0.0.1:18412
END
cat > /etc/systemd/system/edgegate.service <<'END'
[Service]
ExecStart=/usr/sbin/haproxy -db -f /etc/edgegate/haproxy.cfg
END
systemctl daemon-reload
