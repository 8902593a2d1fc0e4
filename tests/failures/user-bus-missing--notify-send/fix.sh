#!/bin/sh
set -eu

sed -i '/ExecStart/i Environment=XDG_RUNTIME_DIR=/run/user/0' /etc/systemd/system/greeter-bot.service
systemctl daemon-reload
