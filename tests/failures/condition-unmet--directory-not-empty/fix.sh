#!/bin/sh
set -eu

touch /var/spool/imports/one
systemctl daemon-reload
