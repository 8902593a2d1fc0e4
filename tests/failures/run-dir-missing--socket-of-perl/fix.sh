#!/bin/sh
set -eu

sed -i '/ExecStart/i RuntimeDirectory=intercom' /etc/systemd/system/intercomd.service
systemctl daemon-reload
