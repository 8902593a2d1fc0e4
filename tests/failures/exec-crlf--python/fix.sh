#!/bin/sh
set -eu

sed -i 's/\r$//' /usr/local/bin/almanac
systemctl daemon-reload
