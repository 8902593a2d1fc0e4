#!/bin/sh
set -eu

cat > /usr/local/bin/sonar <<'END'
#!/usr/bin/python3
import os, socket, sys, time
path = os.environ.get("NOTIFY_SOCKET")
if not path:
    sys.exit("sonar: could not report to supervisor")
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(path.replace("@", "\0"))
s.send(b"READY=1")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/sonar
cat > /etc/systemd/system/sonar.service <<'END'
[Service]
Type=simple
ExecStart=/usr/local/bin/sonar
END
systemctl daemon-reload
