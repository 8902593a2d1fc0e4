#!/bin/sh
set -eu

mkdir -p /srv/media
cat > /etc/systemd/system/mediabox.service <<'END'
[Service]
BindPaths=/srv/media/films:/mnt
ExecStart=/usr/bin/sleep infinity
END
systemctl daemon-reload
