#!/bin/sh
# do -- the project's commands. Each first installs the Debian packages that it needs and that are missing (as root), a
# compiler included, or prints the one command that does.
#
#   ./do build     builds build/dev
#   ./do demo      builds, and shows the main job: a service from its unit file, asked, hung, crashed, stopped; and the
#                  whole way from a failed start to its fix
#   ./do check     builds and passes all tests: ordinary, with sanitizers, and as the static binary
#   ./do bench     the benchmarks, as tables; `./do bench journal`: those of the journal alone
#   ./do fuzz [SECONDS [TARGET...]]  every fuzz target for SECONDS (600) each
#   ./do static    build/static/src/reeve, the one static binary
#   ./do format    applies .clang-format to the tree
#   ./do deps      only installs the packages of all of the above
set -eu
cd "$(dirname "$0")"

build_packages="gcc libc6-dev meson ninja-build pkg-config libjansson-dev libcap-dev libseccomp-dev libzstd-dev
    liblz4-dev liblzma-dev libpcre2-dev libelf-dev libhttp-parser-dev libmbedtls-dev libmicrohttpd-dev libpam0g-dev libcmocka-dev scdoc"
demo_packages="curl util-linux mount"
check_packages="debootstrap man-db clang clang-format libclang-rt-14-dev python3 python3-pytest python3-systemd rsyslog procps iproute2 util-linux curl binutils git xz-utils systemd
    golang-go golang-github-coreos-go-systemd-dev nginx-light nodejs redis-server default-jdk-headless python3-venv ruby lua5.4 zsh fish"

say() { printf '%s\n' "$*" >&2; }

# install PACKAGE...: what is missing of them
install() {
    missing=
    for package; do
        state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$state" = installed ] || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    if [ "$(id -u)" -ne 0 ]; then
        say "./do: packages are missing; this installs them:"
        say "    sudo apt-get install -y$missing"
        exit 1
    fi
    say "./do: installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    # A service that a package brings along has no business being started here.
    set -- $missing
    apt-get update -qq >/dev/null
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# setup DIR OPTION...: configures the build directory once
setup() {
    directory=$1
    shift
    [ -e "$directory/build.ninja" ] || meson setup "$directory" "$@" >/dev/null || {
        cat "$directory/meson-logs/meson-log.txt" >&2
        exit 1
    }
}

compile() { ninja -C "$1" --quiet; }

sources() { git ls-files '*.c' '*.h' 2>/dev/null || find src tests examples -name '*.[ch]'; }

verb=${1:-help}
[ $# -eq 0 ] || shift
# shellcheck disable=SC2086
case $verb in
deps)
    install $build_packages $demo_packages $check_packages ;;
build)
    install $build_packages
    setup build/dev
    compile build/dev ;;
static)
    install $build_packages
    setup build/static -Dstatic=true -Dbuildtype=plain -Doptimization=2
    ninja -C build/static --quiet programs ;;
demo)
    install $build_packages $demo_packages
    setup build/dev
    compile build/dev
    exec sh examples/demo.sh build/dev "$@" ;;
check)
    install $build_packages $check_packages
    exec sh tests/check.sh "$@" ;;
bench)
    install $build_packages $check_packages
    setup build/static -Dstatic=true -Dbuildtype=plain -Doptimization=2
    compile build/static
    [ "${1:-}" = journal ] || python3 tests/bench/run.py --reeve build/static/src/reeve "$@"
    [ $# -eq 0 ] || [ "$1" = journal ] || exit 0
    [ $# -gt 0 ] || python3 tests/bench/why.py --reeve build/static/src/reeve
    [ $# -eq 0 ] || shift
    python3 tests/bench/journal.py --reeve build/static/src/reeve "$@"
    ninja -C build/static --quiet tests/bench/bench_launch tests/bench/bench_trace
    build/static/tests/bench/bench_trace
    exec build/static/tests/bench/bench_launch ;;
fuzz)
    install $build_packages $check_packages
    CC=clang setup build/fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false
    compile build/fuzz
    exec sh tests/fuzz/run.sh build/fuzz "$@" ;;
format)
    install clang-format
    sources | xargs clang-format -i ;;
*)
    sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0"
    [ "$verb" = help ] || exit 2 ;;
esac
