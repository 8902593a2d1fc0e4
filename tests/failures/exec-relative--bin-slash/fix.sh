#!/bin/sh
set -eu

sed -i 's,=bin/windmill,=/opt/windmill/bin/windmill,' /etc/systemd/system/windmill.service
systemctl daemon-reload
