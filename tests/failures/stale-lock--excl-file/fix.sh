#!/bin/sh
set -eu

rm /var/lib/registrar/LOCK
systemctl daemon-reload
