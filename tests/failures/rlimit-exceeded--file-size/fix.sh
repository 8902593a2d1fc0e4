#!/bin/sh
set -eu

sed -i /LimitFSIZE/d /etc/systemd/system/recorder.service
systemctl daemon-reload
