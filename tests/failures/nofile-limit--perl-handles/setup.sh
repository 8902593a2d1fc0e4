#!/bin/sh
set -eu

cat > /usr/local/bin/spooler <<'END'
#!/usr/bin/perl
my @h;
for (1..200) { open(my $f, '<', '/etc/hostname') or do { print STDERR "spool is damaged\n"; exit 5 }; push @h, $f; }
sleep 1 while 1;
END
chmod 755 /usr/local/bin/spooler
cat > /etc/systemd/system/spooler.service <<'END'
[Service]
LimitNOFILE=64
ExecStart=/usr/local/bin/spooler
END
systemctl daemon-reload
