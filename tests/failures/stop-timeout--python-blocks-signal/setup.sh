#!/bin/sh
set -eu

cat > /usr/local/bin/tollgate <<'END'
#!/usr/bin/python3
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
print("open", flush=True)
signal.sigwait([signal.SIGINT])
END
chmod 755 /usr/local/bin/tollgate
cat > /etc/systemd/system/tollgate.service <<'END'
[Service]
TimeoutStopSec=1
ExecStart=/usr/local/bin/tollgate
END
systemctl daemon-reload
