#!/bin/sh
set -eu

cat > /usr/local/bin/telemetry-push <<'END'
#!/usr/bin/ruby
require "socket"
begin
  s = TCPSocket.new("192.0.2.10", 18414)
rescue
  exit 1
end
sleep
END
chmod 755 /usr/local/bin/telemetry-push
cat > /etc/systemd/system/telemetry-push.service <<'END'
[Service]
ExecStart=/usr/local/bin/telemetry-push
END
systemctl daemon-reload
