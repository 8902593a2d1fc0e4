#!/bin/sh
set -eu

echo NODE_NUMBER=4 > /etc/default/nodeid
systemctl daemon-reload
