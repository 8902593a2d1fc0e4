#!/bin/sh
set -eu

mkdir -p /root/.local/bin
printf '#!/bin/sh\nexit 0\n' > /root/.local/bin/mediaprobe
chmod 755 /root/.local/bin/mediaprobe
cat > /usr/local/bin/transcode <<'END'
#!/usr/bin/python3
import subprocess, time
subprocess.run(["mediaprobe", "--version"], check=True)
time.sleep(1000000)
END
chmod 755 /usr/local/bin/transcode
cat > /etc/systemd/system/transcode.service <<'END'
[Service]
ExecStart=/usr/local/bin/transcode
END
systemctl daemon-reload
