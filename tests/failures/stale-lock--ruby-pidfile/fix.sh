#!/bin/sh
set -eu

rm /var/lib/sidecart/sidecart.pid
systemctl daemon-reload
