#!/bin/sh
set -eu

sed -i s/Type=simple/Type=notify/ /etc/systemd/system/sonar.service
systemctl daemon-reload
