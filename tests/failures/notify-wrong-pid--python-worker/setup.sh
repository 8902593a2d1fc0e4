#!/bin/sh
set -eu

cat > /usr/local/bin/swarm <<'END'
#!/usr/bin/python3
import os, socket, time
if os.fork() == 0:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.connect(os.environ["NOTIFY_SOCKET"].replace("@", "\0"))
    s.send(b"READY=1")
    time.sleep(1000000)
time.sleep(1000000)
END
chmod 755 /usr/local/bin/swarm
cat > /etc/systemd/system/swarm.service <<'END'
[Service]
Type=notify
NotifyAccess=main
TimeoutStartSec=2
ExecStart=/usr/local/bin/swarm
END
systemctl daemon-reload
