#!/bin/sh
# build.sh KIND DIRECTORY [SUITE] -- a Debian root file system with nginx, redis-server, cron, openssh-server and postgresql as
# packaged, for tests that run them. KIND is "plain" (no systemd package, no init), "systemd", or "servers" (systemd, and the
# servers that preflight asks: mariadb too, without cron and ssh; Python, authbind, setcap). SUITE is bookworm (systemd 252) where
# none is named, or trixie (257). Needs root, debootstrap and the network; about two minutes.
# A directory that is there is taken as it is.
set -eu
kind=$1 root=$2 suite=${3:-bookworm}
[ ! -e "$root/done" ] || exit 0
rm -rf "$root.part"
mkdir -p "$(dirname "$root")"

packages=procps,iproute2,curl,ca-certificates
servers="nginx-light redis-server redis-tools postgresql postgresql-client"
more="cron openssh-server openssh-client"
case $kind in
plain) ;;
systemd) packages=$packages,systemd,systemd-sysv ;;
servers) packages=$packages,systemd,systemd-sysv more="mariadb-server mariadb-client openssl python3 authbind libcap2-bin" ;;
*) echo "build.sh: KIND is plain, systemd or servers" >&2; exit 2 ;;
esac

debootstrap --variant=minbase --include=$packages "$suite" "$root.part" >"$root.log" 2>&1 || { tail "$root.log"; exit 1; }
cp /etc/resolv.conf "$root.part/etc/resolv.conf" 2>/dev/null || true
[ ! -d /etc/apt/apt.conf.d ] || cp -r /etc/apt/apt.conf.d "$root.part/etc/apt/"
# Nothing is started while it is installed.
printf '#!/bin/sh\nexit 101\n' >"$root.part/usr/sbin/policy-rc.d"
chmod 755 "$root.part/usr/sbin/policy-rc.d"

unshare -m sh -c '
    set -eu
    mount --make-rprivate /
    mount -t proc proc "$1/proc"
    mount --bind /dev "$1/dev"
    export DEBIAN_FRONTEND=noninteractive LC_ALL=C
    chroot "$1" apt-get update -qq
    chroot "$1" apt-get install -y -qq --no-install-recommends \
        $2
    chroot "$1" apt-get clean
' sh "$root.part" "$servers $more" >>"$root.log" 2>&1 || { tail -n 20 "$root.log"; exit 1; }
rm -f "$root.part/usr/sbin/policy-rc.d"
touch "$root.part/done"
mv "$root.part" "$root"
