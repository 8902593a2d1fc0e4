#!/bin/sh
set -eu

cat > /usr/local/bin/pressd <<'END'
#!/usr/bin/python3
import os, sys, time
if os.environ.get("PRESS_MODE") != "offset":
    sys.exit("pressd: mode not supported")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/pressd
cat > /etc/systemd/system/pressd.service <<'END'
[Service]
Environment=PRESS_MODE=relief
ExecStart=/usr/local/bin/pressd
END
systemctl daemon-reload
systemctl start pressd.service || true
sleep 1
mkdir -p /etc/systemd/system/pressd.service.d
printf '[Service]\nEnvironment=PRESS_MODE=offset\n' > /etc/systemd/system/pressd.service.d/mode.conf
exit 0
systemctl daemon-reload
