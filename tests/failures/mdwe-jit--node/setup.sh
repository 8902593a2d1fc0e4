#!/bin/sh
set -eu

mkdir -p /opt/chatroom
echo 'setInterval(() => {}, 1000);' > /opt/chatroom/main.js
cat > /etc/systemd/system/chatroom.service <<'END'
[Service]
MemoryDenyWriteExecute=yes
ExecStart=/usr/bin/node /opt/chatroom/main.js
END
systemctl daemon-reload
