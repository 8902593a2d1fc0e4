#!/bin/sh
set -eu

mkdir -p /mnt/carver /opt/carver
mount -t tmpfs -o noexec,size=1m tmpfs /mnt/carver
printf '#!/bin/sh\nexit 0\n' > /mnt/carver/engrave
chmod 755 /mnt/carver/engrave
cat > /opt/carver/main.js <<'END'
const r = require("child_process").spawnSync("/mnt/carver/engrave");
if (r.error || r.status !== 0) { console.error("carver: template rejected"); process.exit(4); }
setInterval(() => {}, 1000);
END
cat > /etc/systemd/system/carver.service <<'END'
[Service]
ExecStart=/usr/bin/node /opt/carver/main.js
END
systemctl daemon-reload
