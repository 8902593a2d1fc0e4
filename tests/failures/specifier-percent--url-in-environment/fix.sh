#!/bin/sh
set -eu

sed -i 's/p%40ss%2Fword/p%%40ss%%2Fword/' /etc/systemd/system/couriermail.service
systemctl daemon-reload
