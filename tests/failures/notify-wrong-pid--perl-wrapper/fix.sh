#!/bin/sh
set -eu

sed -i '/Type=notify/a NotifyAccess=all' /etc/systemd/system/harvester.service
systemctl daemon-reload
