#!/bin/sh
set -eu

systemctl stop oldkiosk.service
systemctl daemon-reload
