#!/bin/sh
set -eu

echo 'ExecStart=/usr/bin/sleep infinity' >> /etc/systemd/system/placeholder.service
systemctl daemon-reload
