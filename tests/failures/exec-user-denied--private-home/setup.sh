#!/bin/sh
set -eu

id notebookd >/dev/null 2>&1 || useradd --system --no-create-home notebookd
mkdir -p /home/marla/notebook/bin
chmod 700 /home/marla
cat > /home/marla/notebook/bin/notebook <<'END'
#!/usr/bin/python3
import time
time.sleep(1000000)
END
chmod 755 /home/marla/notebook/bin/notebook
cat > /etc/systemd/system/notebook.service <<'END'
[Service]
User=notebookd
ExecStart=/home/marla/notebook/bin/notebook
END
systemctl daemon-reload
