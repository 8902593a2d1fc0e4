#!/bin/sh
set -eu

sed -i 's,archive-sync$,archive-sync/out.log,;s,sleep infinity/out.log,sleep infinity,' /etc/systemd/system/archive-sync.service
systemctl daemon-reload
