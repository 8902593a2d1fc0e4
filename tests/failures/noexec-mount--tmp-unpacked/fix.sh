#!/bin/sh
set -eu

mount -o remount,exec /mnt/unpack
systemctl daemon-reload
