#!/bin/sh
set -eu

id ballast >/dev/null 2>&1 || useradd --system --no-create-home ballast
cat > /etc/systemd/system/ballast.service <<'END'
[Service]
User=ballast # not root
ExecStart=/usr/bin/sleep infinity
END
systemctl daemon-reload
