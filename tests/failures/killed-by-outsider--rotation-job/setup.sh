#!/bin/sh
set -eu

cat > /usr/local/bin/turbine <<'END'
#!/usr/bin/python3
import signal
print("turbine: 3000 rpm", flush=True)
while True:
    signal.pause()
END
chmod 755 /usr/local/bin/turbine
cat > /etc/systemd/system/turbine.service <<'END'
[Unit]
Wants=turbine-rotate.service

[Service]
ExecStart=/usr/local/bin/turbine
END
cat > /etc/systemd/system/turbine-rotate.service <<'END'
[Unit]
After=turbine.service

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'sleep 0.7; pkill -USR1 -x turbine; true'
END
systemctl daemon-reload
