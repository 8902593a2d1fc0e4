#!/bin/sh
set -eu

cat > /etc/systemd/system/ledgerdb.service <<'END'
[Service]
RuntimeDirectory=ledgerdb
ExecStart=/usr/bin/python3 -c 'import socket,signal; s=socket.socket(socket.AF_UNIX); s.bind("/run/ledgerdb/socket"); s.listen(); signal.pause()'
END
cat > /usr/local/bin/reporter <<'END'
#!/usr/bin/python3
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
try:
    s.connect("/run/ledgerdb/socket")
except OSError:
    sys.exit("reporter: no data")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/reporter
cat > /etc/systemd/system/reporter.service <<'END'
[Service]
ExecStart=/usr/local/bin/reporter
END
systemctl daemon-reload
