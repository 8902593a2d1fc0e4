#!/bin/sh
set -eu

sed -i 's,bin/prismd,bin/prismd x,' /etc/systemd/system/prismd.service
systemctl daemon-reload
