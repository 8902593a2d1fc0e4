#!/bin/sh
set -eu

cat > /usr/local/bin/clockwork <<'END'
#!/usr/bin/python3
import os, sys, time
try:
    os.sched_setaffinity(0, os.sched_getaffinity(0))
except OSError:
    sys.exit("database is locked")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/clockwork
cat > /etc/systemd/system/clockwork.service <<'END'
[Service]
SystemCallFilter=~sched_setaffinity
SystemCallErrorNumber=EPERM
ExecStart=/usr/local/bin/clockwork
END
systemctl daemon-reload
