#!/bin/sh
set -eu

cat > /usr/local/bin/lantern <<'END'
#!/usr/bin/lua5.4
while true do os.execute("sleep 1") end
END
chmod 755 /usr/local/bin/lantern
cat > /etc/systemd/system/lantern.service <<'END'
[Service]
WatchdogSec=1
ExecStart=/usr/local/bin/lantern
END
systemctl daemon-reload
