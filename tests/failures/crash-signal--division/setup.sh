#!/bin/sh
set -eu

echo '#include <unistd.h>
int main(int argc, char **argv) { volatile int n = argc - 1; if (10 / n > 100) return 1; for (;;) sleep(100); }' > abacus.c
gcc -o /usr/local/bin/abacusd abacus.c
cat > /etc/systemd/system/abacus.service <<'END'
[Service]
ExecStart=/usr/local/bin/abacusd
END
systemctl daemon-reload
