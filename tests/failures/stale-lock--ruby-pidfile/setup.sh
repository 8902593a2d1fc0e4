#!/bin/sh
set -eu

mkdir -p /var/lib/sidecart
echo 1 > /var/lib/sidecart/sidecart.pid
cat > /usr/local/bin/sidecart <<'END'
#!/usr/bin/ruby
path = "/var/lib/sidecart/sidecart.pid"
if File.exist?(path)
  pid = File.read(path).to_i
  begin
    Process.kill(0, pid)
    abort "sidecart is already running (pid #{pid})"
  rescue Errno::ESRCH
  end
end
File.write(path, Process.pid)
sleep
END
chmod 755 /usr/local/bin/sidecart
cat > /etc/systemd/system/sidecart.service <<'END'
[Service]
ExecStart=/usr/local/bin/sidecart
END
systemctl daemon-reload
