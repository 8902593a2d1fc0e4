#!/bin/sh
set -eu

mkdir -p /var/lib/recorder
cat > /usr/local/bin/recorder <<'END'
#!/usr/bin/perl
open(my $f, '>', '/var/lib/recorder/tape') or exit 1;
print $f "x" x 200000;
close $f;
sleep 1 while 1;
END
chmod 755 /usr/local/bin/recorder
cat > /etc/systemd/system/recorder.service <<'END'
[Service]
LimitFSIZE=64K
ExecStart=/usr/local/bin/recorder
END
systemctl daemon-reload
