#!/bin/sh
set -eu

cat > /usr/local/bin/tickerfeed <<'END'
#!/usr/bin/python3
import sys, time
time.sleep(0.7 if len(sys.argv) < 2 else 1000000)
END
chmod 755 /usr/local/bin/tickerfeed
cat > /etc/systemd/system/tickerfeed.service <<'END'
[Service]
Restart=on-abnormal
ExecStart=/usr/local/bin/tickerfeed
END
systemctl daemon-reload
