#!/bin/sh
set -eu

sed -i '/User=/a SupplementaryGroups=ledgerbook' /etc/systemd/system/auditor.service
systemctl daemon-reload
