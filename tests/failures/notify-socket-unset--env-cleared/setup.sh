#!/bin/sh
set -eu

cat > /usr/local/bin/lantern <<'END'
#!/usr/bin/perl
use Socket;
my $path = $ENV{NOTIFY_SOCKET} or die "lantern: no oil\n";
$path =~ s/^@/\0/;
socket(my $s, AF_UNIX, SOCK_DGRAM, 0);
connect($s, pack_sockaddr_un($path)) or die "lantern: no oil\n";
send($s, "READY=1", 0);
sleep 1 while 1;
END
chmod 755 /usr/local/bin/lantern
cat > /etc/systemd/system/lantern.service <<'END'
[Service]
Type=notify
ExecStart=/usr/bin/env -i /usr/local/bin/lantern
END
systemctl daemon-reload
