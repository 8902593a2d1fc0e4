#!/bin/sh
set -eu

sed -i 's,\$HOME,/root,' /etc/systemd/system/satchel.service
systemctl daemon-reload
