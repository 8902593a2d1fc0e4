#!/bin/sh
set -eu

sed -i '2i $| = 1;' /usr/local/bin/barometer
systemctl restart barometer.service
systemctl daemon-reload
