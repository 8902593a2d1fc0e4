#!/bin/sh
set -eu

rm /etc/systemd/system/gallery.service.d/50-hardening.conf
systemctl daemon-reload
