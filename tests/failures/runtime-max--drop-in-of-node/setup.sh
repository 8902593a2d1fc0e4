#!/bin/sh
set -eu

mkdir -p /opt/gallery
cat > /opt/gallery/main.js <<'END'
process.on("SIGTERM", () => { console.log("gallery: closed for today"); process.exit(0); });
setInterval(() => {}, 1000);
END
cat > /etc/systemd/system/gallery.service <<'END'
[Service]
ExecStart=/usr/bin/node /opt/gallery/main.js
END
mkdir -p /etc/systemd/system/gallery.service.d
cat > /etc/systemd/system/gallery.service.d/30-recycle.conf <<'END'
[Service]
RuntimeMaxSec=1500ms
END
systemctl daemon-reload
