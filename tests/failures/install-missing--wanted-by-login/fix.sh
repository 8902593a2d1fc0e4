#!/bin/sh
set -eu

sed -i s/multiuser.target/multi-user.target/ /etc/systemd/system/backdrop.service
systemctl daemon-reload
