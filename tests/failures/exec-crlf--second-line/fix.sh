#!/bin/sh
set -eu

sed -i 's/\r$//' /opt/sextant/start.sh
systemctl daemon-reload
