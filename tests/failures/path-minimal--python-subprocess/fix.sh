#!/bin/sh
set -eu

sed -i '/ExecStart/i Environment=PATH=/root/.local/bin:/usr/bin:/bin' /etc/systemd/system/transcode.service
systemctl daemon-reload
