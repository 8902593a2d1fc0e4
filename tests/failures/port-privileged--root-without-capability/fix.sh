#!/bin/sh
set -eu

sed -i 's/CAP_CHOWN/CAP_CHOWN CAP_NET_BIND_SERVICE/' /etc/systemd/system/smtpin.service
systemctl daemon-reload
