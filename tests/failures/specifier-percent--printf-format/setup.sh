#!/bin/sh
set -eu

cat > /usr/local/bin/tachograph <<'END'
#!/usr/bin/python3
import sys, time
if sys.argv[2].count("%") != 2:
    sys.exit("tachograph: bad column layout")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/tachograph
cat > /etc/systemd/system/tachograph.service <<'END'
[Service]
ExecStart=/usr/local/bin/tachograph --format "%s %u"
END
systemctl daemon-reload
