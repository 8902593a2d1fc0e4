#!/bin/sh
set -eu

mv /var/log/almond /var/log/almond.old
systemctl daemon-reload
