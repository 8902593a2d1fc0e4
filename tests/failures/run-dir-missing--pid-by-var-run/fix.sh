#!/bin/sh
set -eu

sed -i '/ExecStart/i RuntimeDirectory=odometer' /etc/systemd/system/odometer.service
systemctl daemon-reload
