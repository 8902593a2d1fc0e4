#!/bin/sh
set -eu

mkdir -p /opt/imagine/bin /opt/imagine/lib
echo 'int imagine(void) { return 1; }' > lib.c
echo '#include <unistd.h>
int imagine(void);
int main(void) { while (imagine()) sleep(100); }' > main.c
gcc -shared -fPIC -Wl,-soname,libimagine.so.2 -o /opt/imagine/lib/libimagine.so.2 lib.c
gcc -o /opt/imagine/bin/imagine main.c /opt/imagine/lib/libimagine.so.2
cat > /etc/systemd/system/imagine.service <<'END'
[Service]
ExecStart=/opt/imagine/bin/imagine
END
systemctl daemon-reload
