#!/bin/sh
set -eu

sed -i s/LimitNPROC=8/LimitNPROC=1000/ /etc/systemd/system/beadwork.service
systemctl daemon-reload
