#!/bin/sh
set -eu

sed -i '/ExecStart/i Environment=LD_LIBRARY_PATH=/opt/imagine/lib' /etc/systemd/system/imagine.service
systemctl daemon-reload
