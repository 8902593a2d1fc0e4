#!/bin/sh
set -eu

mkdir -p /var/lib/registrar
echo 4194200 > /var/lib/registrar/LOCK
cat > /usr/local/bin/registrar <<'END'
#!/usr/bin/perl
use Fcntl;
sysopen(my $f, '/var/lib/registrar/LOCK', O_CREAT | O_EXCL | O_WRONLY) or do { print STDERR "registrar: storage busy\n"; exit 1 };
$SIG{TERM} = sub { unlink '/var/lib/registrar/LOCK'; exit 0 };
sleep 1 while 1;
END
chmod 755 /usr/local/bin/registrar
cat > /etc/systemd/system/registrar.service <<'END'
[Service]
ExecStart=/usr/local/bin/registrar
END
systemctl daemon-reload
