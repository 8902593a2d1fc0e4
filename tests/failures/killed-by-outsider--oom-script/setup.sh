#!/bin/sh
set -eu

cat > /usr/local/bin/aviary <<'END'
#!/usr/bin/perl
sleep 1 while 1;
END
chmod 755 /usr/local/bin/aviary
cat > /etc/systemd/system/aviary.service <<'END'
[Service]
ExecStart=/usr/local/bin/aviary
END
cat > /etc/systemd/system/hawk.service <<'END'
[Unit]
After=aviary.service

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'sleep 0.5; pkill -KILL -x aviary; true'
END
mkdir -p /etc/systemd/system/aviary.service.d
cat > /etc/systemd/system/aviary.service.d/wants.conf <<'END'
[Unit]
Wants=hawk.service
END
systemctl daemon-reload
