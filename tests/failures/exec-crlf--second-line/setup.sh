#!/bin/sh
set -eu

mkdir -p /opt/sextant
printf '#!/bin/sh\r\nset -e\r\nexec sleep infinity\r\n' > /opt/sextant/start.sh
cat > /etc/systemd/system/sextant.service <<'END'
[Service]
ExecStart=/bin/sh /opt/sextant/start.sh
END
systemctl daemon-reload
