#!/bin/sh
set -eu

cp /usr/bin/lua5.4 /opt/jukebox/bin/lua
systemctl daemon-reload
