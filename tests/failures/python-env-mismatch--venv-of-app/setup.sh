#!/bin/sh
set -eu

mkdir -p /opt/ledgerweb
V=/opt/ledgerweb/.venv
P=$(python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
mkdir -p $V/bin $V/lib/$P/site-packages/quilt
ln -sfn /usr/bin/python3 $V/bin/python3
ln -sfn python3 $V/bin/python
printf 'home = /usr/bin\ninclude-system-site-packages = false\n' > $V/pyvenv.cfg
echo 'import time; run = lambda: time.sleep(1000000)' > $V/lib/$P/site-packages/quilt/__init__.py
cat > /opt/ledgerweb/app.py <<'END'
import quilt
quilt.run()
END
cat > /etc/systemd/system/ledgerweb.service <<'END'
[Service]
WorkingDirectory=/opt/ledgerweb
ExecStart=/usr/bin/python3 app.py
END
systemctl daemon-reload
