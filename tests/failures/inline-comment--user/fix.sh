#!/bin/sh
set -eu

sed -i 's/ # not root//' /etc/systemd/system/ballast.service
systemctl daemon-reload
