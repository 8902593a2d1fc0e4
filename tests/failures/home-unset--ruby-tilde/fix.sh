#!/bin/sh
set -eu

sed -i '/ExecStart/i Environment=HOME=/root' /etc/systemd/system/gemserver.service
systemctl daemon-reload
