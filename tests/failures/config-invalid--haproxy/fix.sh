#!/bin/sh
set -eu

sed -i s/balence/balance/ /etc/edgegate/haproxy.cfg
systemctl daemon-reload
