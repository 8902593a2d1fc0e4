#!/bin/sh
set -eu

cat > /usr/local/bin/vpnmetrics <<'END'
#!/usr/bin/python3
import socket, sys, time
try:
    s = socket.create_server(("10.91.7.1", 18413))
except OSError:
    sys.exit(9)
time.sleep(1000000)
END
chmod 755 /usr/local/bin/vpnmetrics
cat > /etc/systemd/system/vpnmetrics.service <<'END'
[Service]
ExecStart=/usr/local/bin/vpnmetrics
END
systemctl daemon-reload
