#!/bin/sh
set -eu

chown depot /var/lib/depot
systemctl daemon-reload
