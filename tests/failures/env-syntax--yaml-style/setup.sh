#!/bin/sh
set -eu

echo 'PARCEL_ZONE: north' > /etc/parcel.env
cat > /usr/local/bin/parcel <<'END'
#!/usr/bin/python3
import os, sys, time
if "PARCEL_ZONE" not in os.environ:
    sys.exit("parcel: no zone")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/parcel
cat > /etc/systemd/system/parcel.service <<'END'
[Service]
EnvironmentFile=/etc/parcel.env
ExecStart=/usr/local/bin/parcel
END
systemctl daemon-reload
