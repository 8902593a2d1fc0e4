#!/bin/sh
# machine.sh REEVE COMMAND [ARGUMENT...] -- runs a command in a machine of its own that reeve booted: this system's files,
# but for empty /run, /var/lib, /var/log, /usr/local/bin and folders of unit files, and processes of its own. What the
# command does there is gone afterwards. Needs root; exits with 77 where namespaces cannot be had.
set -eu
reeve=$1
shift
export PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

unshare -m -p -u -i -n -f --kill-child true 2>/dev/null || exit 77
# shellcheck disable=SC2016
unshare -m -p -u -i -n -f --kill-child sh -c '
set -eu
for folder in /run /var/lib /var/log /etc/systemd /usr/lib/systemd/system /usr/local/lib/systemd /usr/local/bin; do
    [ ! -d "$folder" ] || mount -t tmpfs -o mode=755 tmpfs "$folder"
done
mkdir -p /etc/systemd/system
mount -t proc proc /proc
cat <&3 >/usr/local/bin/reeve
chmod 755 /usr/local/bin/reeve
exec 3<&-
exec env -i PATH="$PATH" reeve init --console=none basic.target' 3<"$reeve" >/dev/null 2>&1 &
outer=$!
first=
trap 'kill -KILL $first $outer 2>/dev/null || true; wait $outer 2>/dev/null || true' EXIT

for _ in $(seq 300); do
    first=$(cat "/proc/$outer/task/$outer/children" 2>/dev/null) || first=
    first=${first%% *}
    if [ -n "$first" ] && [ "$(cat "/proc/$first/comm")" = reeve ] &&
        nsenter -t "$first" -m -p -u -i -n -r -w reeve is-system-running >/dev/null 2>&1; then
        nsenter -t "$first" -m -p -u -i -n -r -w env -i PATH="$PATH" HOME=/root "NO_COLOR=${NO_COLOR-}" "TERM=${TERM:-dumb}" "$@"
        exit
    fi
    kill -0 "$outer" 2>/dev/null || exit 77
    sleep 0.1
done
exit 77
