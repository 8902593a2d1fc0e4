#!/bin/sh
set -eu

systemctl stop oldgate.service
systemctl daemon-reload
