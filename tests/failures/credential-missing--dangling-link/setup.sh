#!/bin/sh
set -eu

mkdir -p /etc/turnstile/live /etc/turnstile/archive /opt/turnstile
ln -sfn ../archive/site7.key /etc/turnstile/live/site.key
cat > /opt/turnstile/main.js <<'END'
setInterval(() => {}, 1000);
END
cat > /etc/systemd/system/turnstile.service <<'END'
[Service]
LoadCredential=site.key:/etc/turnstile/live/site.key
ExecStart=/usr/bin/node /opt/turnstile/main.js
END
systemctl daemon-reload
