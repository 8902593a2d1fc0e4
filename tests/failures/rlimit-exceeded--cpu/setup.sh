#!/bin/sh
set -eu

cat > /usr/local/bin/primes <<'END'
#!/usr/bin/perl
my $n = 0;
$n++ while 1;
END
chmod 755 /usr/local/bin/primes
cat > /etc/systemd/system/primes.service <<'END'
[Service]
LimitCPU=1
ExecStart=/usr/local/bin/primes
END
systemctl daemon-reload
