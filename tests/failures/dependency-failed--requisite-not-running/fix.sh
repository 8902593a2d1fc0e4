#!/bin/sh
set -eu

systemctl daemon-reload
systemctl start subtitle-index.service
systemctl daemon-reload
