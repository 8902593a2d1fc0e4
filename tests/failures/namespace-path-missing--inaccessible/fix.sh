#!/bin/sh
set -eu

mkdir -p /etc/sandboxd/private
systemctl daemon-reload
