#!/bin/sh
set -eu

cp /etc/tlsfront/new.pem /etc/tlsfront/site.pem
systemctl daemon-reload
