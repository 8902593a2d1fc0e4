#!/bin/sh
set -eu

mkdir -p /opt/aquarium/conf /opt/aquarium/bin
echo 'litres 120' > /opt/aquarium/conf/tank.conf
cat > /opt/aquarium/bin/aquarium <<'END'
#!/usr/bin/perl
open(my $f, '<', 'conf/tank.conf') or die "sensor calibration lost\n";
sleep 1 while 1;
END
chmod 755 /opt/aquarium/bin/aquarium
cat > /etc/systemd/system/aquarium.service <<'END'
[Service]
ExecStart=/opt/aquarium/bin/aquarium
END
systemctl daemon-reload
