#!/bin/sh
set -eu

mkdir -p /opt/webhooks
cat > /opt/webhooks/main.js <<'END'
require("net").connect(18422, "127.0.0.1").on("error", () => { console.error("licence server rejected this node"); process.exit(1); });
setInterval(() => {}, 1000);
END
cat > /etc/systemd/system/broker18.service <<'END'
[Service]
ExecStart=/usr/bin/python3 -c 'import socket,time; s=socket.create_server(("127.0.0.1",18422)); time.sleep(1000000)'
END
cat > /etc/systemd/system/webhooks.service <<'END'
[Service]
ExecStart=/usr/bin/node /opt/webhooks/main.js
END
systemctl daemon-reload
