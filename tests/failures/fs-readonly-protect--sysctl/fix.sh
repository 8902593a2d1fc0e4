#!/bin/sh
set -eu

sed -i '/ProtectKernelTunables/d' /etc/systemd/system/tuner.service
systemctl daemon-reload
