#!/bin/sh
set -eu

id depot >/dev/null 2>&1 || useradd --system --no-create-home depot
mkdir -p /var/lib/depot
chmod 755 /var/lib/depot
cat > /usr/local/bin/depot <<'END'
#!/usr/bin/php
<?php
if (!@mkdir("/var/lib/depot/index")) { fwrite(STDERR, "depot: index corrupt\n"); exit(2); }
while (true) sleep(100);
END
chmod 755 /usr/local/bin/depot
cat > /etc/systemd/system/depot.service <<'END'
[Service]
User=depot
ExecStart=/usr/local/bin/depot
END
systemctl daemon-reload
