#!/bin/sh
set -eu

cat > /etc/systemd/system/windsock.service <<'END'
[Service]
ExecStart=/bin/sh -c '/usr/bin/sleep infinity & echo started'
END
systemctl daemon-reload
