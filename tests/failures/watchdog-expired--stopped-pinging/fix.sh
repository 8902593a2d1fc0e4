#!/bin/sh
set -eu

sed -i /WatchdogSec/d /etc/systemd/system/heartbeat.service
systemctl daemon-reload
