#!/bin/sh
set -eu

cat > /usr/local/bin/pomodoro <<'END'
#!/usr/bin/perl
$| = 1;
$SIG{TERM} = sub { print "asked to stop by the operator\n"; exit 0 };
sleep 1 while 1;
END
chmod 755 /usr/local/bin/pomodoro
cat > /etc/systemd/system/pomodoro.service <<'END'
[Service]
RuntimeMaxSec=1
ExecStart=/usr/local/bin/pomodoro
END
systemctl daemon-reload
