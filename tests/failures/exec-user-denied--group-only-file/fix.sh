#!/bin/sh
set -eu

chmod 755 /usr/local/sbin/meterd
systemctl daemon-reload
