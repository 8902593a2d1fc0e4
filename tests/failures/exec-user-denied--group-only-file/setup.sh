#!/bin/sh
set -eu

id metering >/dev/null 2>&1 || useradd --system --no-create-home metering
printf '#!/bin/sh\nexec sleep infinity\n' > /usr/local/sbin/meterd
chmod 750 /usr/local/sbin/meterd
cat > /etc/systemd/system/meterd.service <<'END'
[Service]
User=metering
ExecStart=/usr/local/sbin/meterd
END
systemctl daemon-reload
