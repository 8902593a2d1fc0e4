#!/bin/sh
set -eu

sed -i 's,/usr/sbin/dnsmasq,/usr/sbin/dnsmasq -k,' /etc/systemd/system/localdns.service
systemctl daemon-reload
