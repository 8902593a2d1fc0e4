#!/bin/sh
set -eu

sed -i 's/CAP_SETGID/CAP_SETGID CAP_SETUID/' /etc/systemd/system/dovecote.service
systemctl daemon-reload
