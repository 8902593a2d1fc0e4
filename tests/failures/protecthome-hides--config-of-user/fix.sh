#!/bin/sh
set -eu

sed -i 's/ProtectHome=yes/ProtectHome=read-only/' /etc/systemd/system/feedreader.service
systemctl daemon-reload
