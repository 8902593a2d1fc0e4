#!/bin/sh
set -eu

chgrp turnstile /etc/turnstile/private
chmod 750 /etc/turnstile/private
systemctl daemon-reload
