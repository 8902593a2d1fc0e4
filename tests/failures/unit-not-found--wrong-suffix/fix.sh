#!/bin/sh
set -eu

mv /etc/systemd/system/postbox /etc/systemd/system/postbox.service
systemctl daemon-reload
