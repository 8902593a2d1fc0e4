#!/bin/sh
set -eu

mkdir -p /var/lib/greenhouse
cat > /usr/local/bin/greenhouse <<'END'
#!/usr/bin/python3
import fcntl, os, signal, sys, time
lock = open("/var/lib/greenhouse/lock", "w")
try:
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    sys.exit("greenhouse: sensors not calibrated")
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    time.sleep(1)
END
chmod 755 /usr/local/bin/greenhouse
cat > /etc/systemd/system/greenhouse.service <<'END'
[Service]
SendSIGKILL=no
TimeoutStopSec=1
ExecStart=/usr/local/bin/greenhouse
END
systemctl daemon-reload
systemctl restart greenhouse.service
sleep 1
