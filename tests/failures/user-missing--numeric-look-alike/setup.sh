#!/bin/sh
set -eu

cat > /etc/systemd/system/relay-agent.service <<'END'
[Service]
Type=oneshot
RemainAfterExit=yes
User=svc_relay
WorkingDirectory=/tmp
ExecStart=/bin/true
END
systemctl daemon-reload
