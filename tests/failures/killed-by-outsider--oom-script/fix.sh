#!/bin/sh
set -eu

rm /etc/systemd/system/aviary.service.d/wants.conf
systemctl daemon-reload
