#!/bin/sh
set -eu

mkdir -p /srv/storefront/releases/42
ln -sfn /srv/storefront/releases/41 /srv/storefront/current
cat > /etc/systemd/system/storefront.service <<'END'
[Service]
WorkingDirectory=/srv/storefront/current
ExecStart=/usr/bin/perl -e 'sleep 1 while 1'
END
systemctl daemon-reload
