#!/bin/sh
set -eu

sed -i '/LogRateLimit/d' /etc/systemd/system/chatterbox.service
systemctl daemon-reload
systemctl restart chatterbox.service
systemctl daemon-reload
