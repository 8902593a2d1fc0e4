#!/bin/sh
set -eu

sed -i 's/=AF_INET/=AF_UNIX AF_INET/' /etc/systemd/system/patchbay.service
systemctl daemon-reload
