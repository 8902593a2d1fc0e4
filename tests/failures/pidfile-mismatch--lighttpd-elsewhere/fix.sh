#!/bin/sh
set -eu

sed -i s,/run/intranet.pid,/run/intranet-www.pid, /etc/systemd/system/intranet.service
systemctl daemon-reload
