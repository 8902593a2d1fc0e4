#!/bin/sh
set -eu

mkdir -p /srv/atlas
echo x > /srv/atlas/tiles.idx
cat > /usr/local/bin/atlas <<'END'
#!/usr/bin/perl
die "atlas: no tiles\n" unless -e 'tiles.idx';
sleep 1 while 1;
END
chmod 755 /usr/local/bin/atlas
cat > /etc/systemd/system/atlas.service <<'END'
[Service]
ExecStart=/usr/local/bin/atlas

[Install]
WantedBy=multi-user.target
WorkingDirectory=/srv/atlas
END
systemctl daemon-reload
