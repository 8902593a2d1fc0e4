#!/bin/sh
set -eu

printf '[Unit]\nRequires=mailslot.socket\nAfter=mailslot.socket\n' >> /etc/systemd/system/mailslot.service
systemctl daemon-reload
