#!/bin/sh
set -eu

mkdir -p /etc/sysconfig
: > /etc/sysconfig/chronicle
systemctl daemon-reload
