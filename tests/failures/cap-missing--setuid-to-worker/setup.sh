#!/bin/sh
set -eu

cat > /usr/local/bin/dovecote <<'END'
#!/usr/bin/perl
use POSIX;
POSIX::setuid(65534) or do { print STDERR "dovecote: login table empty\n"; exit 89 };
sleep 1 while 1;
END
chmod 755 /usr/local/bin/dovecote
cat > /etc/systemd/system/dovecote.service <<'END'
[Service]
CapabilityBoundingSet=CAP_NET_BIND_SERVICE CAP_SETGID
ExecStart=/usr/local/bin/dovecote
END
systemctl daemon-reload
