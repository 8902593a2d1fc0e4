#!/bin/sh
set -eu

sed -i 1s/pyhton3/python3/ /usr/local/bin/pollen
systemctl daemon-reload
