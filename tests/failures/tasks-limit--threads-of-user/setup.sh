#!/bin/sh
set -eu

id beadwork >/dev/null 2>&1 || useradd --system --no-create-home beadwork
cat > /usr/local/bin/beadwork <<'END'
#!/usr/bin/python3
import sys, threading, time
try:
    for _ in range(30):
        threading.Thread(target=time.sleep, args=(1000000,), daemon=True).start()
except RuntimeError:
    sys.exit("beadwork: pattern too large")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/beadwork
cat > /etc/systemd/system/beadwork.service <<'END'
[Service]
User=beadwork
LimitNPROC=8
ExecStart=/usr/local/bin/beadwork
END
systemctl daemon-reload
