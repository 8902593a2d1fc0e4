#!/bin/sh
set -eu

mkdir -p /srv/intranet /etc/intranet
cat > /etc/intranet/site.conf <<'END'
server.document-root = "/srv/intranet"
server.port = 18420
server.bind = "127.0.0.1"
server.pid-file = "/run/intranet-www.pid"
END
cat > /etc/systemd/system/intranet.service <<'END'
[Service]
Type=forking
PIDFile=/run/intranet.pid
TimeoutStartSec=2
ExecStart=/usr/sbin/lighttpd -f /etc/intranet/site.conf
END
systemctl daemon-reload
