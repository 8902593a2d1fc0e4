#!/bin/sh
set -eu

sed -i 's/^ExecStartPre=.*/Environment=MODE=check\nExecStartPre=\/bin\/true/' /etc/systemd/system/vineyard.service
systemctl daemon-reload
