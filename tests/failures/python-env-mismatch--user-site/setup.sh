#!/bin/sh
set -eu

id tess >/dev/null 2>&1 || useradd -m tess
P=$(python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
S=/home/tess/.local/lib/$P/site-packages
mkdir -p $S
echo 'import time; go = lambda: time.sleep(1000000)' > $S/feedutil.py
cat > /usr/local/bin/birdfeed <<'END'
#!/usr/bin/python3
import sys
try:
    import feedutil
except ImportError as e:
    print("birdfeed: plugin error:", e, file=sys.stderr)
    sys.exit(1)
feedutil.go()
END
chmod 755 /usr/local/bin/birdfeed
cat > /etc/systemd/system/birdfeed.service <<'END'
[Service]
ExecStart=/usr/local/bin/birdfeed
END
systemctl daemon-reload
