#!/bin/sh
set -eu

chmod 755 /opt/weather/weather.py
systemctl daemon-reload
