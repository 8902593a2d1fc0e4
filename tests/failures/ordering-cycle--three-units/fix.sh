#!/bin/sh
set -eu

rm -r /etc/systemd/system/loader.service.d
systemctl daemon-reload
systemctl stop depot.target loader.service warehouse.service invoices.service
systemctl daemon-reload
