#!/bin/sh
set -eu

sed -i /RuntimeMaxSec/d /etc/systemd/system/pomodoro.service
systemctl daemon-reload
