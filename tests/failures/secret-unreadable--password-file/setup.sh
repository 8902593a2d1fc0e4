#!/bin/sh
set -eu

id backupd >/dev/null 2>&1 || useradd --system --no-create-home backupd
mkdir -p /etc/backupd
echo s3cret > /etc/backupd/repo.password
chmod 600 /etc/backupd/repo.password
cat > /usr/local/bin/backupd <<'END'
#!/usr/bin/python3
import sys, time
try:
    open("/etc/backupd/repo.password").read()
except OSError:
    sys.exit("backupd: repository offline")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/backupd
cat > /etc/systemd/system/backupd.service <<'END'
[Service]
User=backupd
ExecStart=/usr/local/bin/backupd
END
systemctl daemon-reload
