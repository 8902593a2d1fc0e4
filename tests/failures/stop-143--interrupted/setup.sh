#!/bin/sh
set -eu

cat > /usr/local/bin/slowcooker <<'END'
#!/usr/bin/perl
$SIG{INT} = sub { exit 130 };
sleep 1 while 1;
END
chmod 755 /usr/local/bin/slowcooker
cat > /etc/systemd/system/slowcooker.service <<'END'
[Service]
KillSignal=SIGINT
ExecStart=/usr/local/bin/slowcooker
END
systemctl daemon-reload
