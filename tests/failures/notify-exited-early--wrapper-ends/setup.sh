#!/bin/sh
set -eu

mkdir -p /opt/drawbridge
cat > /opt/drawbridge/engine.py <<'END'
#!/usr/bin/python3
import os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
time.sleep(0.5)
if "NOTIFY_SOCKET" in os.environ:
    s.connect(os.environ["NOTIFY_SOCKET"].replace("@", "\0"))
    s.send(b"READY=1")
time.sleep(1000000)
END
chmod 755 /opt/drawbridge/engine.py
cat > /opt/drawbridge/start <<'END'
#!/bin/sh
/opt/drawbridge/engine.py &
exit 0
END
chmod 755 /opt/drawbridge/start
cat > /etc/systemd/system/drawbridge.service <<'END'
[Service]
Type=notify
TimeoutStartSec=5
ExecStart=/opt/drawbridge/start
END
systemctl daemon-reload
