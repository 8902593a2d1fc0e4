#!/bin/sh
set -eu

sed -i s/TimeoutStartSec=2/TimeoutStartSec=60/ /etc/systemd/system/catalogue.service
systemctl daemon-reload
