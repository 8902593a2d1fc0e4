#!/bin/sh
set -eu

cat > /etc/systemd/system/orchard.service <<'END'
[Service]
ExecStart=LANG=C TZ=UTC /usr/bin/sleep infinity
END
systemctl daemon-reload
