#!/bin/sh
set -eu

mkdir -p /etc/ssl/certs
touch /etc/ssl/certs/ca-certificates.crt
systemctl daemon-reload
