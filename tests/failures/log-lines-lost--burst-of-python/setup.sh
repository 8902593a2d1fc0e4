#!/bin/sh
set -eu

cat > /usr/local/bin/chatterbox <<'END'
#!/usr/bin/python3
import time
for n in range(300):
    print("sentence", n, flush=True)
time.sleep(3)
while True:
    print("pause", flush=True)
    time.sleep(1)
END
chmod 755 /usr/local/bin/chatterbox
cat > /etc/systemd/system/chatterbox.service <<'END'
[Service]
LogRateLimitIntervalSec=2s
LogRateLimitBurst=20
ExecStart=/usr/local/bin/chatterbox
END
systemctl daemon-reload
