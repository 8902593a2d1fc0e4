#!/bin/sh
set -eu

sed -i s/LimitNOFILE=64/LimitNOFILE=4096/ /etc/systemd/system/spooler.service
systemctl daemon-reload
