#!/bin/sh
set -eu

cat > /usr/local/bin/intercomd <<'END'
#!/usr/bin/perl
use Socket;
socket(my $s, AF_UNIX, SOCK_STREAM, 0);
bind($s, pack_sockaddr_un("/run/intercom/control")) or die "intercomd: control channel\n";
listen($s, 5);
sleep 1 while 1;
END
chmod 755 /usr/local/bin/intercomd
cat > /etc/systemd/system/intercomd.service <<'END'
[Service]
ExecStart=/usr/local/bin/intercomd
END
systemctl daemon-reload
