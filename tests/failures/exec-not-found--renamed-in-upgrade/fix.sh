#!/bin/sh
set -eu

sed -i s,gauged,gauge-server, /etc/systemd/system/gauge.service
systemctl daemon-reload
