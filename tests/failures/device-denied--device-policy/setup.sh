#!/bin/sh
set -eu

cat > /usr/local/bin/entropy <<'END'
#!/usr/bin/python3
import sys, time
try:
    open("/dev/full", "r")
except OSError:
    sys.exit("entropy: generator failed its self test")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/entropy
cat > /etc/systemd/system/entropy.service <<'END'
[Service]
DevicePolicy=strict
DeviceAllow=/dev/null rw
DeviceAllow=/dev/urandom r
DeviceAllow=/dev/random r
ExecStart=/usr/local/bin/entropy
END
systemctl daemon-reload
