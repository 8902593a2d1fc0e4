#!/bin/sh
set -eu

cat > /usr/local/bin/patchbay <<'END'
#!/usr/bin/python3
import socket, sys, time
try:
    s = socket.socket(socket.AF_UNIX)
except OSError:
    sys.exit(7)
time.sleep(1000000)
END
chmod 755 /usr/local/bin/patchbay
cat > /etc/systemd/system/patchbay.service <<'END'
[Service]
RestrictAddressFamilies=AF_INET AF_INET6
ExecStart=/usr/local/bin/patchbay
END
systemctl daemon-reload
