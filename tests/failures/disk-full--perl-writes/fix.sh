#!/bin/sh
set -eu

rm /srv/logbook/old
systemctl daemon-reload
