#!/bin/sh
set -eu

getent group camhub >/dev/null || groupadd --system camhub
id dashcam >/dev/null 2>&1 || useradd --system --no-create-home dashcam
cat > /etc/systemd/system/camhub.service <<'END'
[Service]
RuntimeDirectory=camhub
UMask=0007
Group=camhub
ExecStart=/usr/bin/python3 -c 'import socket,signal; s=socket.socket(socket.AF_UNIX); s.bind("/run/camhub/control"); s.listen(); signal.pause()'
END
cat > /usr/local/bin/dashcam <<'END'
#!/usr/bin/perl
use Socket;
socket(my $s, AF_UNIX, SOCK_STREAM, 0);
connect($s, pack_sockaddr_un("/run/camhub/control")) or die "dashcam: no signal\n";
sleep 1 while 1;
END
chmod 755 /usr/local/bin/dashcam
cat > /etc/systemd/system/dashcam.service <<'END'
[Service]
User=dashcam
ExecStart=/usr/local/bin/dashcam
END
systemctl daemon-reload
systemctl start camhub.service
sleep 0.7
systemctl daemon-reload
