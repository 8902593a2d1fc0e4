#!/bin/sh
set -eu

sed -i '/^After=/a Requires=doorbell.socket' /etc/systemd/system/doorbell.service
systemctl daemon-reload
