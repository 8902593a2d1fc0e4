#!/bin/sh
set -eu

cat > /usr/local/bin/crawlerd <<'END'
#!/usr/bin/python3
import socket, sys, time
pool = []
try:
    for _ in range(300):
        pool.append(socket.socket())
except OSError:
    sys.exit("crawlerd: pool exhausted")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/crawlerd
cat > /etc/systemd/system/crawlerd.service <<'END'
[Service]
ExecStart=/usr/local/bin/crawlerd
END
mkdir -p /etc/systemd/system/crawlerd.service.d
cat > /etc/systemd/system/crawlerd.service.d/limits.conf <<'END'
[Service]
LimitNOFILE=100
END
systemctl daemon-reload
