#!/bin/sh
set -eu

cat > /usr/local/bin/metronome <<'END'
#!/usr/bin/python3
import sys, time
if len(sys.argv) != 2:
    sys.exit("usage: metronome BPM")
time.sleep(1000000)
END
chmod 755 /usr/local/bin/metronome
cat > /etc/systemd/system/metronome.service <<'END'
[Service]
ExecStart=/usr/local/bin/metronome 120 # beats a minute
END
systemctl daemon-reload
