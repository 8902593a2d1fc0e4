#!/bin/sh
set -eu

cat > /usr/local/bin/minerva <<'END'
#!/usr/bin/python3
import os, signal, time
signal.signal(signal.SIGTERM, lambda *a: os._exit(143))
time.sleep(1000000)
END
chmod 755 /usr/local/bin/minerva
cat > /etc/systemd/system/minerva.service <<'END'
[Service]
ExecStart=/usr/local/bin/minerva
END
systemctl daemon-reload
