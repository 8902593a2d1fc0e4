#!/bin/sh
set -eu

systemctl kill --signal=KILL greenhouse.service || true
sed -i '/SendSIGKILL/d' /etc/systemd/system/greenhouse.service
sleep 0.5
systemctl daemon-reload
