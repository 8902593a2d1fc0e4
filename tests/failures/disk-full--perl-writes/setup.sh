#!/bin/sh
set -eu

mkdir -p /srv/logbook
mount -t tmpfs -o size=64k tmpfs /srv/logbook
head -c 70000 /dev/zero > /srv/logbook/old 2>/dev/null || true
cat > /usr/local/bin/logbook <<'END'
#!/usr/bin/perl
open(my $f, '>>', '/srv/logbook/entries') or exit 1;
print $f "x" x 20000;
close($f) or do { print STDERR "logbook: unknown format\n"; exit 1 };
sleep 1 while 1;
END
chmod 755 /usr/local/bin/logbook
cat > /etc/systemd/system/logbook.service <<'END'
[Service]
ExecStart=/usr/local/bin/logbook
END
systemctl daemon-reload
