#!/bin/sh
set -eu

mkdir -p /srv/treadmill
printf '#!/bin/sh\nexec sleep infinity\n' > /srv/treadmill/run.sh
chmod 755 /srv/treadmill/run.sh
cat > /etc/systemd/system/treadmill.service <<'END'
[Service]
ExecStart=../treadmill/run.sh
END
systemctl daemon-reload
