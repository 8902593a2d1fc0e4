#!/bin/sh
set -eu

cat > /usr/local/bin/signage-check <<'END'
#!/usr/bin/perl
print STDERR "playlist: 3 of 4 entries are past their end\n";
exit 1;
END
chmod 755 /usr/local/bin/signage-check
cat > /etc/systemd/system/signage.service <<'END'
[Service]
ExecStartPre=/bin/true
ExecStartPre=/usr/local/bin/signage-check --strict
ExecStart=/usr/bin/sleep infinity
END
systemctl daemon-reload
