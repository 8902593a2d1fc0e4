#!/bin/sh
set -eu

rm /run/systemd/system/ferry.service
systemctl daemon-reload
