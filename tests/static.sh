#!/bin/sh
# static.sh BINARY -- the release binary is static, links nothing of NSS (static glibc would load the host's modules), and
# is under 4 MiB.
set -u
binary=$1 status=0
if readelf -d "$binary" 2>/dev/null | grep -q NEEDED; then
    echo "$binary needs shared libraries"
    status=1
fi
# An unstripped twin would name the functions; the archive members that were linked in are named by their own strings.
if grep -qaE 'libnss_%s' "$binary"; then
    echo "$binary holds code of NSS (a getpw*, getgr* or getaddrinfo was linked)"
    status=1
fi
size=$(stat -c %s "$binary")
[ "$size" -lt $((4 << 20)) ] || { echo "$binary has $size bytes, more than 4 MiB"; status=1; }
"$binary" --version || status=1
echo "$size bytes"
exit $status
