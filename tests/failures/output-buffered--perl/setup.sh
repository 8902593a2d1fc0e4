#!/bin/sh
set -eu

cat > /usr/local/bin/barometer <<'END'
#!/usr/bin/perl
while (1) {
    print "1013 hPa\n";
    select(undef, undef, undef, 0.5);
}
END
chmod 755 /usr/local/bin/barometer
cat > /etc/systemd/system/barometer.service <<'END'
[Service]
ExecStart=/usr/local/bin/barometer
END
systemctl daemon-reload
