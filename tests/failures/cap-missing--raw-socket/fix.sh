#!/bin/sh
set -eu

sed -i '/User=/a AmbientCapabilities=CAP_NET_RAW' /etc/systemd/system/pinger.service
systemctl daemon-reload
