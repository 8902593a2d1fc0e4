#!/bin/sh
set -eu

mkdir -p /srv/brochure /etc/brochure
cat > /etc/brochure/site.conf <<'END'
server.document-root = "/srv/brochure"
server.port = 18408
server.bind = "127.0.0.1"
END
cat > /etc/systemd/system/brochure.service <<'END'
[Service]
ExecStart=/usr/sbin/lighttpd -f /etc/brochure/site.conf
END
systemctl daemon-reload
