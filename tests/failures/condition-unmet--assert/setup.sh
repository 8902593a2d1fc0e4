#!/bin/sh
set -eu

cat > /etc/systemd/system/vaultkeeper.service <<'END'
[Unit]
AssertPathExists=/srv/vault/key

[Service]
ExecStart=/usr/bin/sleep infinity
END
systemctl daemon-reload
