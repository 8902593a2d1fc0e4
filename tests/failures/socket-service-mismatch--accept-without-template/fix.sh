#!/bin/sh
set -eu

mv /etc/systemd/system/parrot.service /etc/systemd/system/parrot@.service
systemctl daemon-reload
