#!/bin/sh
set -eu

sed -i 's/%s %u/%%s %%u/' /etc/systemd/system/tachograph.service
systemctl daemon-reload
