#!/bin/sh
set -eu

ip address add 192.0.2.10/32 dev lo
python3 -c 'import socket,time; s=socket.create_server(("192.0.2.10",18414)); time.sleep(1000000)' </dev/null >/dev/null 2>&1 &
sleep 1
systemctl daemon-reload
