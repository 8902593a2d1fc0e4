#!/bin/sh
set -eu

systemctl daemon-reload
systemctl start tenant-worker@blue.service
systemctl daemon-reload
