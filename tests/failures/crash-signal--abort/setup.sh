#!/bin/sh
set -eu

echo '#include <assert.h>
#include <unistd.h>
int main(int argc, char **argv) { assert(argc > 1); for (;;) sleep(100); }' > prism.c
gcc -o /usr/local/bin/prismd prism.c
cat > /etc/systemd/system/prismd.service <<'END'
[Service]
ExecStart=/usr/local/bin/prismd
END
systemctl daemon-reload
