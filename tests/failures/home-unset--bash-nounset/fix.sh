#!/bin/sh
set -eu

sed -i '/ExecStart/i Environment=HOME=/root' /etc/systemd/system/dotsync.service
systemctl daemon-reload
