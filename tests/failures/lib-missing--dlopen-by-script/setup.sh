#!/bin/sh
set -eu

cat > /usr/local/bin/pluginhost <<'END'
#!/usr/bin/python3
import ctypes, sys, time
try:
    ctypes.CDLL("libquartz.so.3")
except OSError:
    sys.exit("pluginhost: incompatible processor")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/pluginhost
cat > /etc/systemd/system/pluginhost.service <<'END'
[Service]
ExecStart=/usr/local/bin/pluginhost
END
systemctl daemon-reload
