#!/bin/sh
set -eu

chown greenhouse /var/log/greenhouse/growth.log
systemctl daemon-reload
