#!/bin/sh
set -eu

cat > /usr/local/libexec-version-gate <<'END'
#!/usr/bin/python3
import sys
print("data format 7, program wants 8: run the upgrade first")
sys.exit(64)
END
chmod 755 /usr/local/libexec-version-gate
cat > /etc/systemd/system/labeler.service <<'END'
[Service]
ExecStartPre=/usr/local/libexec-version-gate
ExecStart=/usr/bin/sleep infinity
END
systemctl daemon-reload
