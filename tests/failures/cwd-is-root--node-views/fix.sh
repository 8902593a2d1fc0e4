#!/bin/sh
set -eu

sed -i '/ExecStart/i WorkingDirectory=/srv/kiosk' /etc/systemd/system/kiosk.service
systemctl daemon-reload
