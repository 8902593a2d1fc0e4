#!/bin/sh
set -eu

mkdir -p /opt/puzzle/bin
cat > /usr/local/bin/puzzle <<'END'
#!/usr/bin/python3
import subprocess, sys, time
try:
    subprocess.run(["sort", "/etc/hostname"], check=True, stdout=subprocess.DEVNULL)
except OSError:
    sys.exit("puzzle: pieces missing")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/puzzle
cat > /etc/systemd/system/puzzle.service <<'END'
[Service]
Environment=PATH=/opt/puzzle/bin:$PATH
ExecStart=/usr/local/bin/puzzle
END
systemctl daemon-reload
