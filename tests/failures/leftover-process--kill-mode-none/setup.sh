#!/bin/sh
set -eu

cat > /usr/local/bin/choir <<'END'
#!/usr/bin/perl
use Socket;
socket(my $s, AF_INET, SOCK_STREAM, 0);
bind($s, pack_sockaddr_in(18430, inet_aton("127.0.0.1"))) or do { print STDERR "choir: score unreadable\n"; exit 1 };
listen($s, 5);
if (!fork) { $SIG{TERM} = 'IGNORE'; sleep 1 while 1 }
$SIG{TERM} = sub { exit 0 };
sleep 1 while 1;
END
chmod 755 /usr/local/bin/choir
cat > /etc/systemd/system/choir.service <<'END'
[Service]
KillMode=none
ExecStop=/bin/kill $MAINPID
ExecStart=/usr/local/bin/choir
END
systemctl daemon-reload
systemctl restart choir.service
sleep 0.5
systemctl daemon-reload
