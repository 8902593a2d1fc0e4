#!/bin/sh
set -eu

sed -i 's/on-abnormal/always/;s,bin/tickerfeed,bin/tickerfeed on,' /etc/systemd/system/tickerfeed.service
systemctl daemon-reload
