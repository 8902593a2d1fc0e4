#!/bin/sh
set -eu

echo '#include <unistd.h>
int main(void) { for (;;) sleep(100); }' > crossbow.c
gcc -o /usr/local/bin/crossbow crossbow.c -Wl,--dynamic-linker=/nix/store/glibc-2.38/lib/ld-linux-x86-64.so.2
cp crossbow.c /usr/local/share/crossbow.c
cat > /etc/systemd/system/crossbow.service <<'END'
[Service]
ExecStart=/usr/local/bin/crossbow
END
systemctl daemon-reload
