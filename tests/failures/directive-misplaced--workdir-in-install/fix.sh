#!/bin/sh
set -eu

sed -i '/WorkingDirectory/d;/ExecStart/i WorkingDirectory=/srv/atlas' /etc/systemd/system/atlas.service
systemctl daemon-reload
