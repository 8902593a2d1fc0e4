#!/bin/sh
set -eu

mkdir -p /etc/bursar
echo a > /etc/bursar/db.token
cat > /etc/systemd/system/bursar.service <<'END'
[Service]
LoadCredential=db:/etc/bursar/db.token
LoadCredential=api:/etc/bursar/api.token
ExecStart=/usr/bin/sleep infinity
END
systemctl daemon-reload
