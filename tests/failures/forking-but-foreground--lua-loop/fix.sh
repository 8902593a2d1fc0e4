#!/bin/sh
set -eu

sed -i 's/Type=forking/Type=simple/' /etc/systemd/system/ticker.service
systemctl daemon-reload
