#!/bin/sh
set -eu

cat > /usr/local/bin/shaderd <<'END'
#!/usr/bin/python3
import mmap, sys, time
try:
    m = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
except OSError:
    sys.exit(1)
time.sleep(1000000)
END
chmod 755 /usr/local/bin/shaderd
cat > /etc/systemd/system/shaderd.service <<'END'
[Service]
MemoryDenyWriteExecute=yes
ExecStart=/usr/local/bin/shaderd
END
systemctl daemon-reload
