#!/bin/sh
set -eu

sed -i 's/\[Instal\]/[Install]/' /etc/systemd/system/quota-check.service
systemctl daemon-reload
