#!/bin/sh
set -eu

cat > /usr/local/bin/ticker <<'END'
#!/usr/bin/lua5.4
io.write("ready\n") io.flush()
while true do os.execute("sleep 1") end
END
chmod 755 /usr/local/bin/ticker
cat > /etc/systemd/system/ticker.service <<'END'
[Service]
Type=forking
TimeoutStartSec=2
ExecStart=/usr/local/bin/ticker
END
systemctl daemon-reload
