#!/bin/sh
set -eu

systemctl daemon-reload
systemctl start ledgerdb.service
sleep 1
systemctl daemon-reload
