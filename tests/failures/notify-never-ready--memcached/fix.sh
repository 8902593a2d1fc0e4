#!/bin/sh
set -eu

sed -i s/Type=notify/Type=exec/ /etc/systemd/system/cachebox.service
systemctl daemon-reload
