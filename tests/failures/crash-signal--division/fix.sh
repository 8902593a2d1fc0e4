#!/bin/sh
set -eu

sed -i 's,bin/abacusd,bin/abacusd x,' /etc/systemd/system/abacus.service
systemctl daemon-reload
