#!/bin/sh
set -eu

id weather >/dev/null 2>&1 || useradd --system --no-create-home weather
mkdir -p /opt/weather
cat > /opt/weather/weather.py <<'END'
#!/usr/bin/python3
import time
time.sleep(1000000)
END
chown weather /opt/weather/weather.py
chmod 644 /opt/weather/weather.py
cat > /etc/systemd/system/weather.service <<'END'
[Service]
User=weather
ExecStart=/opt/weather/weather.py
END
systemctl daemon-reload
