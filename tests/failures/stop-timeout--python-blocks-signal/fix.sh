#!/bin/sh
set -eu

sed -i '/TimeoutStopSec/a KillSignal=SIGINT' /etc/systemd/system/tollgate.service
systemctl daemon-reload
