#!/bin/sh
set -eu

cat > /etc/systemd/system/subtitle-index.service <<'END'
[Service]
ExecStart=/usr/bin/sleep infinity
END
cat > /etc/systemd/system/subtitle.service <<'END'
[Unit]
Requisite=subtitle-index.service
After=subtitle-index.service

[Service]
ExecStart=/usr/bin/sleep infinity
END
systemctl daemon-reload
