#!/bin/sh
set -eu

id frontpage >/dev/null 2>&1 || useradd --system --no-create-home frontpage
mkdir -p /opt/frontpage
cat > /opt/frontpage/server.js <<'END'
require("http").createServer((q, r) => r.end("ok")).on("error", () => { console.error("server error"); process.exit(1); }).listen(80, "127.0.0.1");
END
cat > /etc/systemd/system/frontpage.service <<'END'
[Service]
User=frontpage
ExecStart=/usr/bin/node /opt/frontpage/server.js
END
systemctl daemon-reload
