#!/bin/sh
set -eu

sed -i 's,~/,/root/,' /etc/systemd/system/postcard.service
systemctl daemon-reload
