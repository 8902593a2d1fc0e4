#!/bin/sh
set -eu

cat > /usr/local/bin/sundial <<'END'
#!/usr/bin/python3
import os, time
if os.fork():
    os._exit(0)
os.setsid()
time.sleep(1000000)
END
chmod 755 /usr/local/bin/sundial
cat > /etc/systemd/system/sundial.service <<'END'
[Service]
Type=forking
RuntimeDirectory=sundial
PIDFile=/run/sundial/sundial.pid
TimeoutStartSec=2
ExecStart=/usr/local/bin/sundial
END
systemctl daemon-reload
