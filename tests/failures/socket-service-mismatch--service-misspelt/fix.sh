#!/bin/sh
set -eu

sed -i s/abakus/abacus/ /etc/systemd/system/abacus.socket
systemctl daemon-reload
