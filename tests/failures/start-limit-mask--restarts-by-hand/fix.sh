#!/bin/sh
set -eu

mkdir -p /etc/systemd/system/mixer.service.d
printf '[Unit]\nStartLimitIntervalSec=0\n' > /etc/systemd/system/mixer.service.d/limit.conf
systemctl daemon-reload
