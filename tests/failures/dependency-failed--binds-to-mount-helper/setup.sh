#!/bin/sh
set -eu

printf '#!/bin/sh\nexit 0\n' > /usr/local/bin/musicbox-volume
chmod 644 /usr/local/bin/musicbox-volume
cat > /etc/systemd/system/musicbox-volume.service <<'END'
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/bin/musicbox-volume
END
cat > /etc/systemd/system/musicbox.service <<'END'
[Unit]
BindsTo=musicbox-volume.service
After=musicbox-volume.service

[Service]
ExecStart=/usr/bin/sleep infinity
END
systemctl daemon-reload
