#!/bin/sh
set -eu

mkdir -p /opt/signalbox/etc
echo track 4 > /opt/signalbox/etc/signalbox.conf
cat > /usr/local/bin/signalbox <<'END'
#!/usr/bin/perl
open(my $f, '<', '/etc/signalbox.conf') or exit 1;
sleep 1 while 1;
END
chmod 755 /usr/local/bin/signalbox
cat > /etc/systemd/system/signalbox.service <<'END'
[Service]
ExecStart=/usr/local/bin/signalbox
END
systemctl daemon-reload
