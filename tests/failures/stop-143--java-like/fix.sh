#!/bin/sh
set -eu

sed -i '/ExecStart/i SuccessExitStatus=143' /etc/systemd/system/minerva.service
systemctl daemon-reload
