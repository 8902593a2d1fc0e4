#!/bin/sh
set -eu

if [ -e /etc/ssl/certs ]; then mv /etc/ssl/certs /etc/ssl/certs.away; fi
cat > /usr/local/bin/courier-out <<'END'
#!/usr/bin/perl
open(my $f, "<", "/etc/ssl/certs/ca-certificates.crt") or die "courier-out: the relay's identity is doubtful\n";
sleep 1 while 1;
END
chmod 755 /usr/local/bin/courier-out
cat > /etc/systemd/system/courier-out.service <<'END'
[Service]
ExecStart=/usr/local/bin/courier-out
END
systemctl daemon-reload
