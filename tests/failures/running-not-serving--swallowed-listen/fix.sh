#!/bin/sh
set -eu

systemctl stop frontdesk.service
systemctl daemon-reload
