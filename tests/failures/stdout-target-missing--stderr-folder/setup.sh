#!/bin/sh
set -eu

cat > /etc/systemd/system/kiln.service <<'END'
[Service]
StandardError=append:/var/log/kiln/errors.log
ExecStart=/usr/bin/sleep infinity
END
systemctl daemon-reload
