#!/bin/sh
# check.sh -- all tests, in the order in which they say most. `./do check` runs it; CI does nothing else.
# The last line is the number of steps that passed and failed.
set -u
passed=0 failed=0
export REEVE="$PWD/build/static/src/reeve"

step() {
    name=$1
    shift
    printf '\n==== %s\n' "$name"
    begin=$(date +%s)
    if "$@"; then
        passed=$((passed + 1)) result=ok
    else
        failed=$((failed + 1)) result=FAILED
    fi
    printf '==== %s: %s (%s s)\n' "$name" "$result" $(($(date +%s) - begin))
}

configure() {
    directory=$1
    shift
    [ -e "$directory/build.ninja" ] || meson setup "$directory" -Dwerror=true "$@" >"$directory.log" 2>&1 ||
        { cat "$directory.log"; return 1; }
}

format_is_applied() {
    { git ls-files '*.c' '*.h' 2>/dev/null || find src tests examples -name '*.[ch]'; } |
        xargs clang-format --dry-run -Werror
}

build_and_unit_test() {
    directory=$1
    shift
    configure "$directory" "$@" && ninja -C "$directory" --quiet && meson test -C "$directory" --print-errorlogs
}

layers_hold() { sh tests/layers.sh; }

static_binary() {
    configure build/static -Dstatic=true -Dbuildtype=plain -Doptimization=2 && ninja -C build/static --quiet programs man &&
        sh tests/static.sh build/static/src/reeve
}

clang_builds() {
    CC=clang configure build/clang && ninja -C build/clang --quiet
}

integration() {
    python=/usr/bin/python3
    [ -x $python ] || python=python3
    $python -m pytest -q -rs --maxfail=25 -p no:cacheprovider tests/integration tests/differential
}

short_fuzz() {
    CC=clang configure build/fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false &&
        ninja -C build/fuzz --quiet && sh tests/fuzz/run.sh build/fuzz 30
}

mkdir -p build
step "format" format_is_applied
step "build and unit tests" build_and_unit_test build/dev
step "layers" layers_hold
step "static binary" static_binary
step "sanitizers" build_and_unit_test build/asan -Db_sanitize=address,undefined
step "clang" clang_builds
step "integration and differential tests" integration
[ -n "${CI:-}" ] && step "fuzz" short_fuzz
step "demo" sh examples/demo.sh build/dev

printf '\n%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
