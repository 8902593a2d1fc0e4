#!/bin/sh
set -eu

getent group ledgerbook >/dev/null || groupadd --system ledgerbook
id auditor >/dev/null 2>&1 || useradd --system --no-create-home auditor
mkdir -p /var/lib/ledgerbook
echo 1 > /var/lib/ledgerbook/book
chgrp ledgerbook /var/lib/ledgerbook /var/lib/ledgerbook/book
chmod 750 /var/lib/ledgerbook
chmod 640 /var/lib/ledgerbook/book
cat > /usr/local/bin/auditor <<'END'
#!/usr/bin/ruby
begin
  File.read("/var/lib/ledgerbook/book")
rescue SystemCallError
  abort "auditor: unsupported format"
end
sleep
END
chmod 755 /usr/local/bin/auditor
cat > /etc/systemd/system/auditor.service <<'END'
[Service]
User=auditor
ExecStart=/usr/local/bin/auditor
END
systemctl daemon-reload
