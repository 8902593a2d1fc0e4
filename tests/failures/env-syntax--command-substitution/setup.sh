#!/bin/sh
set -eu

echo 'NODE_NUMBER=`hostname | wc -c`' > /etc/default/nodeid
cat > /usr/local/bin/nodeid <<'END'
#!/usr/bin/perl
exit 3 unless $ENV{NODE_NUMBER} =~ /^\d+$/;
sleep 1 while 1;
END
chmod 755 /usr/local/bin/nodeid
cat > /etc/systemd/system/nodeid.service <<'END'
[Service]
EnvironmentFile=/etc/default/nodeid
ExecStart=/usr/local/bin/nodeid
END
systemctl daemon-reload
