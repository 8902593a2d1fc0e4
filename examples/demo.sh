#!/bin/sh
# demo.sh BUILD -- the main job on one screen: `reeve up` runs the example web service from its unit file; it is asked,
# hung (its watchdog restarts it), crashed, and stopped in order. Then, as root, a service that does not start: why, the
# fix tried and applied, the check that would have caught it. It ends by itself and leaves nothing behind.
set -eu
build=$(cd "${1:-build/dev}" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
reeve=$build/src/reeve

say() { printf '\n\033[1m== %s\033[0m\n' "$*" | if [ -t 1 ]; then cat; else sed 's/\x1b\[[0-9;]*m//g'; fi; }

[ -x "$build/examples/web" ] || { echo "demo.sh: $build/examples/web is not built (libmicrohttpd-dev)" >&2; exit 1; }

# The unit runs as www-data with ProtectHome=, so its files have to lie where everybody gets at them. Without root the
# same unit runs as whoever calls, on a higher port.
if [ "$(id -u)" -eq 0 ]; then
    folder=$(mktemp -d /usr/local/lib/reeve-demo.XXXXXX)
    port=80
    "$reeve" preflight --quiet --port=80 >/dev/null || port=8080
else
    folder=$(mktemp -d "$build/demo.XXXXXX")
    port=8080
fi
pid=
finish() {
    status=$?
    trap - EXIT INT TERM
    if [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; then
        kill -INT "$pid"
        wait "$pid" || true
    fi
    rm -rf "$folder"
    exit $status
}
trap finish EXIT INT TERM

chmod 755 "$folder"
cp "$build/examples/web" "$here/web/web.conf" "$folder/"
sed "s|/usr/local/lib/reeve-web|$folder|g" "$here/web/web.service" >"$folder/web.service"
if [ "$(id -u)" -ne 0 ]; then
    sed -i '/^User=/d; /^AmbientCapabilities=/d; /^CapabilityBoundingSet=/d' "$folder/web.service"
fi
mkdir "$folder/web.service.d"
printf '[Service]\nEnvironment=WEB_FAULTS=yes WEB_PORT=%s\n' "$port" >"$folder/web.service.d/demo.conf"

say "the unit file: examples/web/web.service, as systemd would run it"
sed -n '/^\[Service\]/,/^TimeoutStopSec/p' "$folder/web.service"

say "reeve check web.service"
"$reeve" check "$folder/web.service" && echo "nothing to complain of"

say "reeve up"
"$reeve" up "$folder" &
pid=$!

url=http://127.0.0.1:$port
ask() { curl -sS --max-time 5 "$url$1" 2>&1 || true; }
# await OLD: until the service answers with another pid than OLD
await() {
    for _ in $(seq 300); do
        kill -0 "$pid" 2>/dev/null || { echo "demo.sh: reeve up has ended" >&2; return 1; }
        answer=$(curl -s --max-time 1 "$url/" 2>/dev/null) || answer=
        case $answer in
        "" | "$1") sleep 0.1 ;;
        *) return 0 ;;
        esac
    done
    echo "demo.sh: the service did not answer in 30 s" >&2
    return 1
}

await ""
say "it is ready: a request"
echo "$answer"
first=$answer

say "a request that hangs it: the watchdog (WatchdogSec=2s) notices, kills it, starts it again"
ask /hang >/dev/null
await "$first"
echo "$answer"
second=$answer

say "a request that crashes it: Restart=on-failure"
ask /crash >/dev/null
await "$second"
echo "$answer"

say "Ctrl-C: open requests are finished, then everything stops in order"
(ask "/slow?ms=700" | sed 's/^/the slow request: /') &
slow=$!
sleep 0.3
kill -INT "$pid"
result=0
wait "$pid" || result=$?
wait "$slow" || true
pid=
[ "$result" -eq 0 ] || { echo "demo.sh: reeve up ended with $result" >&2; exit 1; }

if [ "$(id -u)" -eq 0 ]; then
    result=0
    sh "$here/notes/machine.sh" "$reeve" sh "$here/notes/walk.sh" "$here/notes" || result=$?
    [ "$result" -ne 77 ] || say "no machine of its own can be had here: the part about a failed start is left out"
    [ "$result" -eq 0 ] || [ "$result" -eq 77 ] || exit 1
else
    say "as root there is more: a start that fails, why, the fix tried and applied"
fi
say "done: nothing is left behind"
