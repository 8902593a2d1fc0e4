#!/bin/sh
set -eu

sed -i '/User=/a SupplementaryGroups=camhub' /etc/systemd/system/dashcam.service
systemctl daemon-reload
