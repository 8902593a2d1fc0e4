#!/bin/sh
set -eu

id pinger >/dev/null 2>&1 || useradd --system --no-create-home pinger
cat > /usr/local/bin/pinger <<'END'
#!/usr/bin/python3
import socket, sys, time
try:
    socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
except OSError:
    sys.exit(1)
time.sleep(1000000)
END
chmod 755 /usr/local/bin/pinger
cat > /etc/systemd/system/pinger.service <<'END'
[Service]
User=pinger
ExecStart=/usr/local/bin/pinger
END
systemctl daemon-reload
