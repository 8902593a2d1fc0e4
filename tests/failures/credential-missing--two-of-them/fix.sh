#!/bin/sh
set -eu

echo b > /etc/bursar/api.token
systemctl daemon-reload
