#!/bin/sh
set -eu

mkdir -p /srv/gallery/thumbs
cat > /usr/local/bin/gallery <<'END'
#!/usr/bin/perl
use strict;
open(my $f, '>', '/srv/gallery/thumbs/index') or die "gallery: cannot build index\n";
sleep 1 while 1;
END
chmod 755 /usr/local/bin/gallery
cat > /etc/systemd/system/gallery.service <<'END'
[Service]
ExecStart=/usr/local/bin/gallery
END
mkdir -p /etc/systemd/system/gallery.service.d
cat > /etc/systemd/system/gallery.service.d/50-hardening.conf <<'END'
[Service]
ReadOnlyPaths=/srv
END
systemctl daemon-reload
