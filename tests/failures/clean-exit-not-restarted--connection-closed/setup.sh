#!/bin/sh
set -eu

cat > /usr/local/bin/mqttbridge <<'END'
#!/usr/bin/perl
$| = 1;
print "broker closed the session, bye\n";
sleep 1;
exit 0;
END
chmod 755 /usr/local/bin/mqttbridge
cat > /etc/systemd/system/mqttbridge.service <<'END'
[Service]
Restart=on-failure
ExecStart=/usr/local/bin/mqttbridge
END
systemctl daemon-reload
