#!/bin/sh
set -eu

sed -i 's/on-failure/always/' /etc/systemd/system/mqttbridge.service
sed -i '/^sleep 1;/s/1/1000/' /usr/local/bin/mqttbridge
systemctl daemon-reload
