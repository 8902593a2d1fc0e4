#!/bin/sh
set -eu

mkdir -p /etc/brochures
cat > /usr/local/bin/brochures <<'END'
#!/usr/bin/ruby
begin
  File.read("/etc/brochures/layout.tmpl")
rescue
  abort "out of paper"
end
sleep
END
chmod 755 /usr/local/bin/brochures
cat > /etc/systemd/system/brochures.service <<'END'
[Service]
ExecStart=/usr/local/bin/brochures
END
systemctl daemon-reload
