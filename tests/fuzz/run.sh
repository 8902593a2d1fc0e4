#!/bin/sh
# run.sh BUILD [SECONDS [TARGET...]] -- runs each fuzz target over its corpus for SECONDS; a finding is left beside it in
# tests/fuzz/findings/ and belongs into the corpus together with its fix.
set -u
build=$1 seconds=${2:-600}
shift
[ $# -eq 0 ] || shift
here=$(dirname "$0") status=0
mkdir -p "$here/findings"
[ $# -gt 0 ] || set -- $(ls "$build"/tests/fuzz | sed -n 's/^fuzz_\([a-z0-9_]*\)$/\1/p')
[ $# -gt 0 ] || { echo "no fuzz target in $build"; exit 1; }
fuzz() {
    work=$(mktemp -d)
    if "$build/tests/fuzz/fuzz_$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 \
        -artifact_prefix="$here/findings/$1-" "$work" "$here/corpus/$1" >"$work.log" 2>&1; then
        echo "fuzz $1: $(grep -o 'Done [0-9]* runs in [0-9]* second' "$work.log" | tail -n 1)"
        rm -rf "$work" "$work.log"
    else
        echo "fuzz $1: FAILED"
        tail -n 40 "$work.log"
        rm -rf "$work" "$work.log"
        return 1
    fi
}
# Two at a time: as many as the smallest machine this runs on has processors.
while [ $# -gt 0 ]; do
    fuzz "$1" & first=$!
    second=
    [ $# -gt 1 ] && { fuzz "$2" & second=$!; shift; }
    shift
    wait $first || status=1
    [ -z "$second" ] || wait $second || status=1
done
exit $status
