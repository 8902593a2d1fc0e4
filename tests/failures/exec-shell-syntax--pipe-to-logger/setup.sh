#!/bin/sh
set -eu

cat > /usr/local/bin/feeder <<'END'
#!/usr/bin/python3
import sys, time
if len(sys.argv) > 2:
    sys.exit("usage: feeder [FILE]")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/feeder
cat > /etc/systemd/system/feeder.service <<'END'
[Service]
ExecStart=/usr/local/bin/feeder /etc/hostname | /usr/bin/logger -t feeder
END
systemctl daemon-reload
