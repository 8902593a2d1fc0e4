#!/bin/sh
set -eu

sed -i 's,/usr/sbin/lighttpd,/usr/sbin/lighttpd -D,' /etc/systemd/system/brochure.service
systemctl daemon-reload
