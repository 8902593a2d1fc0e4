#!/bin/sh
set -eu

sed -i '/^owner$/d' /opt/pigeon/settings.ini
systemctl daemon-reload
