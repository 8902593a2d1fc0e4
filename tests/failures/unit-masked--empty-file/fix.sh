#!/bin/sh
set -eu

rm /etc/systemd/system/tollgate.service
systemctl daemon-reload
