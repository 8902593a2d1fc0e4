#!/bin/sh
set -eu

mkdir -p /etc/frontgate
cat > /etc/frontgate/haproxy.cfg <<'END'
defaults
    mode tcp
    timeout connect 1s
    timeout client 1s
    timeout server 1s
listen gate
    bind 127.0.0.1:18405
    server one 127.0.0.1:18406
END
cat > /etc/systemd/system/oldgate.service <<'END'
[Service]
ExecStart=/usr/bin/python3 -c 'import socket,signal; s=socket.create_server(("127.0.0.1",18405)); signal.pause()'
END
cat > /etc/systemd/system/frontgate.service <<'END'
[Service]
ExecStart=/usr/sbin/haproxy -db -f /etc/frontgate/haproxy.cfg
END
systemctl daemon-reload
systemctl start oldgate.service
sleep 0.5
systemctl daemon-reload
