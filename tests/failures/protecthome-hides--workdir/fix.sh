#!/bin/sh
set -eu

sed -i 's/ProtectHome=tmpfs/ProtectHome=no/' /etc/systemd/system/sketchpad.service
systemctl daemon-reload
