#!/bin/sh
set -eu

mkdir -p /opt/robot
echo 'ROBOT_ARM=left' > /opt/robot/env.sh
cat > /etc/systemd/system/robot.service <<'END'
[Service]
ExecStart=source /opt/robot/env.sh && /usr/bin/sleep infinity
END
systemctl daemon-reload
