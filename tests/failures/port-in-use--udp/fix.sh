#!/bin/sh
set -eu

systemctl stop trapper.service
systemctl daemon-reload
