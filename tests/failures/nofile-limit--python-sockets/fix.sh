#!/bin/sh
set -eu

rm /etc/systemd/system/crawlerd.service.d/limits.conf
systemctl daemon-reload
