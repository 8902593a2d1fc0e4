#!/bin/sh
set -eu

id pantry >/dev/null 2>&1 || useradd --system --no-create-home pantry
mkdir -p /usr/local/libexec /etc/pantry
echo 12 > /etc/pantry/weights
chmod 600 /etc/pantry/weights
cp /bin/cat /usr/local/libexec/pantry-scale
chmod 4755 /usr/local/libexec/pantry-scale
cat > /usr/local/bin/pantry <<'END'
#!/usr/bin/perl
open(STDERR, ">", "/dev/null");
my $got = `/usr/local/libexec/pantry-scale /etc/pantry/weights`;
if ($? != 0) { print "pantry: shelf is empty\n"; exit 5 }
sleep 1 while 1;
END
chmod 755 /usr/local/bin/pantry
cat > /etc/systemd/system/pantry.service <<'END'
[Service]
User=pantry
NoNewPrivileges=yes
ExecStart=/usr/local/bin/pantry
END
systemctl daemon-reload
