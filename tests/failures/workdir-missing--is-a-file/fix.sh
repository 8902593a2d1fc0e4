#!/bin/sh
set -eu

rm -f /opt/tallyho/data
mkdir /opt/tallyho/data
systemctl daemon-reload
