#!/bin/sh
set -eu

cat > /usr/local/bin/greeter-bot <<'END'
#!/usr/bin/python3
import os, sys, time
if not os.environ.get("XDG_RUNTIME_DIR"):
    sys.exit("Failed to connect to bus: $DBUS_SESSION_BUS_ADDRESS and $XDG_RUNTIME_DIR not defined")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/greeter-bot
cat > /etc/systemd/system/greeter-bot.service <<'END'
[Service]
ExecStart=/usr/local/bin/greeter-bot
END
systemctl daemon-reload
