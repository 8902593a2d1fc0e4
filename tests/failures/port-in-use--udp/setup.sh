#!/bin/sh
set -eu

cat > /etc/systemd/system/trapper.service <<'END'
[Service]
ExecStart=/usr/bin/python3 -c 'import socket,signal; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(("0.0.0.0",18403)); signal.pause()'
END
cat > /usr/local/bin/syslog-sink <<'END'
#!/usr/bin/python3
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try:
    s.bind(("127.0.0.1", 18403))
except OSError:
    sys.exit("startup aborted")
while True:
    s.recv(1000)
END
chmod 755 /usr/local/bin/syslog-sink
cat > /etc/systemd/system/syslog-sink.service <<'END'
[Service]
ExecStart=/usr/local/bin/syslog-sink
END
systemctl daemon-reload
systemctl start trapper.service
sleep 0.5
systemctl daemon-reload
