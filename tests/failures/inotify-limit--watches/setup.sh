#!/bin/sh
set -eu

id mirrorer >/dev/null 2>&1 || useradd --system --no-create-home mirrorer
cat > /usr/local/bin/dropbox-mirror <<'END'
#!/usr/bin/python3
import ctypes, sys, time
libc = ctypes.CDLL(None, use_errno=True)
keep = int(open("/proc/sys/fs/inotify/max_user_instances").read()) + 1 if len(sys.argv) < 2 else 1
for _ in range(keep):
    if libc.inotify_init1(0) < 0:
        sys.exit("dropbox-mirror: account suspended")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/dropbox-mirror
cat > /etc/systemd/system/dropbox-mirror.service <<'END'
[Service]
User=mirrorer
LimitNOFILE=1000000
ExecStart=/usr/local/bin/dropbox-mirror
END
systemctl daemon-reload
