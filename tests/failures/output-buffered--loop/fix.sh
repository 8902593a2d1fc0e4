#!/bin/sh
set -eu

sed -i '/ExecStart/i Environment=PYTHONUNBUFFERED=1' /etc/systemd/system/thermometer.service
systemctl daemon-reload
systemctl restart thermometer.service
systemctl daemon-reload
