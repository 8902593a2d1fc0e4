#!/bin/sh
set -eu

sed -i '/ExecStart/i WorkingDirectory=/opt/aquarium' /etc/systemd/system/aquarium.service
systemctl daemon-reload
