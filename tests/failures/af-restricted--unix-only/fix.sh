#!/bin/sh
set -eu

sed -i 's/AF_UNIX/AF_UNIX AF_INET AF_INET6 AF_NETLINK/' /etc/systemd/system/lookout.service
systemctl daemon-reload
