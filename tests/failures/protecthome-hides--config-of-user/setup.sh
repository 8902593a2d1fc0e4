#!/bin/sh
set -eu

mkdir -p /home/ines/.config
echo 'interval 5' > /home/ines/.config/feedreader.conf
chmod 755 /home/ines /home/ines/.config
cat > /usr/local/bin/feedreader <<'END'
#!/usr/bin/perl
open(my $f, '<', '/home/ines/.config/feedreader.conf') or die "feedreader: broken\n";
sleep 1 while 1;
END
chmod 755 /usr/local/bin/feedreader
cat > /etc/systemd/system/feedreader.service <<'END'
[Service]
ProtectHome=yes
ExecStart=/usr/local/bin/feedreader
END
systemctl daemon-reload
