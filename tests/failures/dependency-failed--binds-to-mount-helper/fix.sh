#!/bin/sh
set -eu

chmod 755 /usr/local/bin/musicbox-volume
systemctl daemon-reload
