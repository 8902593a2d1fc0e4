#!/bin/sh
set -eu

chmod 755 /usr/local/lib/chime/warmup
systemctl daemon-reload
