#!/bin/sh
set -eu

echo 'int quartz(void) { return 1; }' > quartz.c
gcc -shared -fPIC -Wl,-soname,libquartz.so.3 -o /usr/local/lib/libquartz.so.3 quartz.c
ldconfig
systemctl daemon-reload
