#!/bin/sh
set -eu

cat > /usr/local/bin/sweep <<'END'
#!/usr/bin/perl
print "swept\n";
END
chmod 755 /usr/local/bin/sweep
cat > /etc/systemd/system/sweep.service <<'END'
[Unit]
Description=Sweep
StartLimitIntervalSec=60
StartLimitBurst=3

[Service]
Type=oneshot
ExecStart=/usr/local/bin/sweep
END
cat > /etc/systemd/system/sweep-report.service <<'END'
[Unit]
After=sweep.service

[Service]
ExecStart=/usr/bin/sleep infinity
END
systemctl daemon-reload
systemctl start sweep-report.service
systemctl start sweep.service
systemctl start sweep.service
systemctl start sweep.service
