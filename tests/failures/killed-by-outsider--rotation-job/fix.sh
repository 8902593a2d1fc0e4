#!/bin/sh
set -eu

sed -i /Wants=/d /etc/systemd/system/turbine.service
systemctl daemon-reload
