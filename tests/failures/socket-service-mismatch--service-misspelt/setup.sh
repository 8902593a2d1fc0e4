#!/bin/sh
set -eu

cat > /etc/systemd/system/abacus.service <<'END'
[Service]
ExecStart=/bin/cat
StandardInput=socket
END
cat > /etc/systemd/system/abacus.socket <<'END'
[Socket]
ListenStream=127.0.0.1:18441
Service=abakus.service
END
systemctl daemon-reload
