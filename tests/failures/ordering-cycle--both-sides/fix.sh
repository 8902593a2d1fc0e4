#!/bin/sh
set -eu

sed -i '/^Before=/d' /etc/systemd/system/reindex.service
systemctl daemon-reload
systemctl stop nightly.target catalog.service reindex.service
systemctl daemon-reload
