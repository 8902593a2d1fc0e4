#!/bin/sh
set -eu

mkdir -p /etc/systemd/system/thumbs.service.d
printf '[Service]\nEnvironment=PATH=/opt/imaging/bin:/usr/bin:/bin\n' > /etc/systemd/system/thumbs.service.d/path.conf
systemctl daemon-reload
