#!/bin/sh
set -eu

cat > /usr/local/bin/catalogue <<'END'
#!/usr/bin/perl
use Socket;
$| = 1;
for (1..8) { print "indexed shelf $_ of 8\n"; select(undef, undef, undef, 0.5); }
if (my $p = $ENV{NOTIFY_SOCKET}) {
    $p =~ s/^@/\0/;
    socket(my $s, AF_UNIX, SOCK_DGRAM, 0);
    connect($s, pack_sockaddr_un($p));
    send($s, "READY=1", 0);
}
sleep 1 while 1;
END
chmod 755 /usr/local/bin/catalogue
cat > /etc/systemd/system/catalogue.service <<'END'
[Service]
Type=notify
TimeoutStartSec=2
ExecStart=/usr/local/bin/catalogue
END
systemctl daemon-reload
