#!/bin/sh
set -eu

cat > /etc/systemd/system/localdns.service <<'END'
[Service]
ExecStart=/usr/sbin/dnsmasq --port=18407 --listen-address=127.0.0.1 --bind-interfaces --no-resolv --user=root --pid-file=/run/localdns.pid
END
systemctl daemon-reload
