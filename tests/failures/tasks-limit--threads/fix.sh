#!/bin/sh
set -eu

sed -i s/TasksMax=8/TasksMax=100/ /etc/systemd/system/beadwork.service
systemctl daemon-reload
