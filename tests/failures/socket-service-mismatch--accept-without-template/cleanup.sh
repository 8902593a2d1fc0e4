#!/bin/sh
set -eu

rm -f /etc/systemd/system/parrot@.service
