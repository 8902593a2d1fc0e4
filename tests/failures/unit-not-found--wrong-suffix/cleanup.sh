#!/bin/sh
set -eu

rm -f /etc/systemd/system/postbox /etc/systemd/system/postbox.service
