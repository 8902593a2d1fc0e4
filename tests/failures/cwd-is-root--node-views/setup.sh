#!/bin/sh
set -eu

mkdir -p /srv/kiosk/templates
echo hello > /srv/kiosk/templates/home.html
cat > /srv/kiosk/main.js <<'END'
let page;
try { page = require("fs").readFileSync("templates/home.html"); } catch (e) { console.log("render engine unavailable"); process.exit(1); }
setInterval(() => {}, 1000);
END
cat > /etc/systemd/system/kiosk.service <<'END'
[Service]
ExecStart=/usr/bin/node /srv/kiosk/main.js
END
systemctl daemon-reload
