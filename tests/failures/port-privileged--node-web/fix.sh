#!/bin/sh
set -eu

sed -i '/User=/a AmbientCapabilities=CAP_NET_BIND_SERVICE' /etc/systemd/system/frontpage.service
systemctl daemon-reload
