#!/bin/sh
set -eu

mkdir -p /usr/share/zoneinfo
mv /usr/share/zoneinfo /usr/share/zoneinfo.away
cat > /usr/local/bin/worldclock <<'END'
#!/usr/bin/python3
import sys, time
try:
    open("/usr/share/zoneinfo/Europe/Berlin", "rb")
except OSError:
    sys.exit("unknown time zone Europe/Berlin")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/worldclock
cat > /etc/systemd/system/worldclock.service <<'END'
[Service]
ExecStart=/usr/local/bin/worldclock
END
systemctl daemon-reload
