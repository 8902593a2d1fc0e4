#!/bin/sh
set -eu

cat > /usr/local/bin/oldkiosk <<'END'
#!/usr/bin/perl
use Socket;
socket(my $s, AF_INET, SOCK_STREAM, 0);
bind($s, pack_sockaddr_in(18444, inet_aton("127.0.0.1"))) or die;
listen($s, 5);
sleep 1 while 1;
END
chmod 755 /usr/local/bin/oldkiosk
cat > /usr/local/bin/kiosk-api <<'END'
#!/usr/bin/ruby
require "socket"
begin
  server = TCPServer.new("127.0.0.1", ARGV[1].to_i)
rescue SystemCallError
end
sleep
END
chmod 755 /usr/local/bin/kiosk-api
cat > /etc/systemd/system/oldkiosk.service <<'END'
[Service]
ExecStart=/usr/local/bin/oldkiosk
END
cat > /etc/systemd/system/kiosk-api.service <<'END'
[Service]
ExecStart=/usr/local/bin/kiosk-api --port 18444
END
systemctl daemon-reload
systemctl start oldkiosk.service
sleep 0.7
