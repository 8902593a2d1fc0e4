#!/bin/sh
set -eu

echo a,b > /tmp/importer-input.csv
chmod 644 /tmp/importer-input.csv
cat > /usr/local/bin/importer <<'END'
#!/usr/bin/python3
import sys, time
try:
    open("/tmp/importer-input.csv")
except OSError:
    sys.exit("importer: nothing to do, giving up")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/importer
cat > /etc/systemd/system/importer.service <<'END'
[Service]
PrivateTmp=yes
ExecStart=/usr/local/bin/importer
END
systemctl daemon-reload
