#!/bin/sh
set -eu

cat > /usr/local/bin/pollen <<'END'
#!/usr/bin/pyhton3
import time
time.sleep(1000000)
END
chmod 755 /usr/local/bin/pollen
cat > /etc/systemd/system/pollen.service <<'END'
[Service]
ExecStart=/usr/local/bin/pollen
END
systemctl daemon-reload
