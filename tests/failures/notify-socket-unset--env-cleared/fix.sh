#!/bin/sh
set -eu

sed -i 's,/usr/bin/env -i ,,' /etc/systemd/system/lantern.service
systemctl daemon-reload
