#!/bin/sh
set -eu

cp /opt/signalbox/etc/signalbox.conf /etc/signalbox.conf
systemctl daemon-reload
