#!/bin/sh
set -eu

mkdir -p /opt/webdesk
cat > /opt/webdesk/main.js <<'END'
require("http").createServer((q, r) => r.end("ok")).on("error", () => {}).listen(18432, "127.0.0.1");
setInterval(() => {}, 1000);
END
cat > /etc/systemd/system/frontdesk.service <<'END'
[Service]
ExecStart=/usr/bin/python3 -c 'import socket,signal; s=socket.create_server(("127.0.0.1",18432)); signal.pause()'
END
cat > /etc/systemd/system/webdesk.service <<'END'
[Service]
ExecStart=/usr/bin/node /opt/webdesk/main.js
END
systemctl daemon-reload
systemctl start frontdesk.service
sleep 0.7
systemctl daemon-reload
