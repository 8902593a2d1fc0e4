#!/bin/sh
set -eu

mount -o remount,exec /mnt/carver
systemctl daemon-reload
