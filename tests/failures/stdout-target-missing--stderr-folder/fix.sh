#!/bin/sh
set -eu

mkdir -p /var/log/kiln
systemctl daemon-reload
