#!/bin/sh
set -eu

echo old > /var/log/almond
cat > /etc/systemd/system/almond.service <<'END'
[Service]
LogsDirectory=almond
ExecStart=/usr/bin/sleep infinity
END
systemctl daemon-reload
