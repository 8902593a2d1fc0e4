#!/bin/sh
set -eu

sed -i s/polcy/policy/ /etc/sessions/redis.conf
systemctl daemon-reload
