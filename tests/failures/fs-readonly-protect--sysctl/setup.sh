#!/bin/sh
set -eu

cat > /usr/local/bin/tuner <<'END'
#!/usr/bin/python3
import sys, time
try:
    v = open("/proc/sys/net/ipv4/ip_forward").read()
    open("/proc/sys/net/ipv4/ip_forward", "w").write(v)
except OSError:
    sys.exit("tuner: profile rejected")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/tuner
cat > /etc/systemd/system/tuner.service <<'END'
[Service]
ProtectKernelTunables=yes
ExecStart=/usr/local/bin/tuner
END
systemctl daemon-reload
