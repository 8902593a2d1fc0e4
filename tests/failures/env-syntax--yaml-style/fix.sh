#!/bin/sh
set -eu

echo 'PARCEL_ZONE=north' > /etc/parcel.env
systemctl daemon-reload
