#!/bin/sh
set -eu

echo 1 > /run/gazette
cat > /etc/systemd/system/gazette.service <<'END'
[Service]
RuntimeDirectory=gazette
ExecStart=/usr/bin/sleep infinity
END
systemctl daemon-reload
