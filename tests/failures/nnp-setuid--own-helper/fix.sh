#!/bin/sh
set -eu

sed -i '/NoNewPrivileges/d' /etc/systemd/system/pantry.service
systemctl daemon-reload
