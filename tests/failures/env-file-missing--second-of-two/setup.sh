#!/bin/sh
set -eu

mkdir -p /etc/invoice
echo MODE=live > /etc/invoice/base.env
cat > /etc/systemd/system/invoice.service <<'END'
[Service]
EnvironmentFile=/etc/invoice/base.env
EnvironmentFile=/etc/invoice/secrets.env
ExecStart=/usr/bin/sleep infinity
END
systemctl daemon-reload
