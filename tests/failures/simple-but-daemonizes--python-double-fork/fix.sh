#!/bin/sh
set -eu

sed -i 's,bin/collectord,bin/collectord --no-fork,' /etc/systemd/system/collectord.service
systemctl daemon-reload
