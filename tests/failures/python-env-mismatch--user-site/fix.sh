#!/bin/sh
set -eu

P=$(python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
sed -i "/ExecStart/i Environment=PYTHONPATH=/home/tess/.local/lib/$P/site-packages" /etc/systemd/system/birdfeed.service
systemctl daemon-reload
