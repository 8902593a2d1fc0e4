#!/bin/sh
set -eu

sed -i 's,=../treadmill,=/srv/treadmill,' /etc/systemd/system/treadmill.service
systemctl daemon-reload
