#!/bin/sh
set -eu

printf '\357\273\277#!/bin/sh\nexec sleep infinity\n' > /usr/local/bin/notary
chmod 755 /usr/local/bin/notary
cat > /etc/systemd/system/notary.service <<'END'
[Service]
ExecStart=/usr/local/bin/notary
END
systemctl daemon-reload
