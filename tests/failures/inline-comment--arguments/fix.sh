#!/bin/sh
set -eu

sed -i 's/ # beats a minute//' /etc/systemd/system/metronome.service
systemctl daemon-reload
