#!/bin/sh
set -eu

rm -r /etc/systemd/system/gallery.service.d
systemctl daemon-reload
