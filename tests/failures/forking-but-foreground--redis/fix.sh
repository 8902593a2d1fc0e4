#!/bin/sh
set -eu

sed -i 's/Type=forking/Type=exec/' /etc/systemd/system/kvstore.service
systemctl daemon-reload
