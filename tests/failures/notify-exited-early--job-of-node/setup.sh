#!/bin/sh
set -eu

mkdir -p /opt/census
cat > /opt/census/main.js <<'END'
console.log("counted 12 heads");
END
cat > /etc/systemd/system/census.service <<'END'
[Service]
Type=notify
TimeoutStartSec=5
ExecStart=/usr/bin/node /opt/census/main.js
END
systemctl daemon-reload
