#!/bin/sh
set -eu

chgrp backupd /etc/backupd/repo.password
chmod 640 /etc/backupd/repo.password
systemctl daemon-reload
