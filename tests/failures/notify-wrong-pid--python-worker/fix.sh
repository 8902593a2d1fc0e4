#!/bin/sh
set -eu

sed -i s/NotifyAccess=main/NotifyAccess=all/ /etc/systemd/system/swarm.service
systemctl daemon-reload
