#!/bin/sh
set -eu

sed -i /WatchdogSec/d /etc/systemd/system/lantern.service
systemctl daemon-reload
