#!/bin/sh
set -eu

sed -i 's,^ExecStart=.*,ExecStart=/bin/sh -c ". /opt/robot/env.sh; exec sleep infinity",' /etc/systemd/system/robot.service
systemctl daemon-reload
