#!/bin/sh
set -eu

sed -i 's,/usr/bin/python3,/opt/ledgerweb/.venv/bin/python3,' /etc/systemd/system/ledgerweb.service
systemctl daemon-reload
