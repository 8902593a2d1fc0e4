#!/bin/sh
set -eu

sed -i 's,bin/dropbox-mirror,bin/dropbox-mirror few,' /etc/systemd/system/dropbox-mirror.service
systemctl daemon-reload
