#!/bin/sh
set -eu

sed -i 's/--strict$/--lenient/;s/=\/usr\/local\/bin\/signage-check/=-\/usr\/local\/bin\/signage-check/' /etc/systemd/system/signage.service
systemctl daemon-reload
