#!/bin/sh
set -eu

mkdir -p /opt/papermill
cat > /opt/papermill/server.js <<'END'
require("http").createServer((q, r) => r.end("ok")).on("error", () => process.exit(3)).listen(18404, "127.0.0.1");
END
setsid python3 -c 'import socket,signal; s=socket.create_server(("127.0.0.1",18404)); signal.pause()' </dev/null >/dev/null 2>&1 &
sleep 0.5
cat > /etc/systemd/system/papermill.service <<'END'
[Service]
ExecStart=/usr/bin/node /opt/papermill/server.js
END
systemctl daemon-reload
