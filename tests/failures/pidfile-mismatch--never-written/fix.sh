#!/bin/sh
set -eu

sed -i '/PIDFile/d' /etc/systemd/system/sundial.service
systemctl daemon-reload
