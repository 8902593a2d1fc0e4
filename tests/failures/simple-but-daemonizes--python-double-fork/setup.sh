#!/bin/sh
set -eu

cat > /usr/local/bin/collectord <<'END'
#!/usr/bin/python3
import os, sys, time
if "--no-fork" not in sys.argv:
    if os.fork():
        os._exit(0)
    os.setsid()
    if os.fork():
        os._exit(0)
time.sleep(1000000)
END
chmod 755 /usr/local/bin/collectord
cat > /etc/systemd/system/collectord.service <<'END'
[Service]
ExecStart=/usr/local/bin/collectord
END
systemctl daemon-reload
