"""A machine to test an init in: this system's own root file system, booted again as a container.

The init runs as PID 1 of new mount, pid, uts, ipc, net and cgroup namespaces. Its root is an
overlay over this system's, or over another one, whose changes live in memory; /run, /tmp, /dev and
the folders of unit files are its own. Nothing of the system that it runs on is changed. It needs
root.

    with Machine(["/usr/local/bin/reeve", "init"], reeve="build/reeve") as machine:
        machine.run(["systemctl", "start", "x.service"])"""
import functools
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

BOOT_TIME = 30.0  # seconds until a machine that does not come up is given up
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The names under which reeve is also called inside, in place of tools that may be there.
TOOLS = ("systemctl", "journalctl", "systemd-notify", "systemd-run", "systemd-cat",
         "systemd-escape", "systemd-analyze")
UNIT_FOLDERS = ("etc/systemd", "usr/local/lib/systemd", "usr/lib/systemd/system",
                "lib/systemd/system", "usr/lib/systemd/user", "usr/lib/systemd/system-preset",
                "usr/lib/systemd/system-generators", "lib/systemd/system-generators")

# In a chroot whose root is no mount point nothing can be made private; there mounts must be private
# already, or they would appear outside.
PRIVATE = r"""
set -eu
folder=$1
if ! mount --make-rprivate / 2>/dev/null; then
    mount --bind / "$folder/root"
    shared=$(grep " $folder/root .* shared:" /proc/self/mountinfo || true)
    umount "$folder/root"
    [ -z "$shared" ] || { echo "this is a chroot below a shared mount; mount it on itself first" >&2; exit 1; }
fi
"""

# $1: a folder for the machine; $2: the name of its cgroup, or nothing; $3: SETUP; the rest: its
# arguments. The tree of cgroups is mounted aside, since this system may have none, or no v2.
OUTER = PRIVATE + r"""
group=$2 setup=$3; shift 3
if [ -n "$group" ] && mount -t cgroup2 cgroup2 "$folder/cgroup" 2>/dev/null &&
    mkdir "$folder/cgroup/$group" && echo $$ >"$folder/cgroup/$group/cgroup.procs"; then
    exec unshare -C -m -p -u -i -n -f --propagation unchanged --kill-child sh -c "$setup" sh "$folder" cgroup "$@"
fi
exec unshare -m -p -u -i -n -f --propagation unchanged --kill-child sh -c "$setup" sh "$folder" "" "$@"
"""

# $1: the folder, on which the memory file system is mounted; $2: "cgroup" or nothing; $3: its name;
# $4: the files to put in place (a tar), or nothing; $5: the folders to empty; $6: the root file
# system that it is laid over; $7: "read-only" or nothing; the rest: the init. Runs inside the new
# namespaces.
SETUP = r"""
set -eu
folder=$1 cgroup=$2 name=$3 files=$4 empty=$5 lower=$6 access=$7; shift 7
root=$folder/root
mount -t tmpfs -o mode=755 tmpfs "$folder/memory"
mkdir "$folder/memory/upper" "$folder/memory/work"
mount -t overlay -o "lowerdir=$lower,upperdir=$folder/memory/upper,workdir=$folder/memory/work" overlay "$root"
for d in $empty; do
    if [ -d "$root/$d" ] && [ ! -L "$root/$d" ]; then mount -t tmpfs -o mode=755 tmpfs "$root/$d"; fi
done
mkdir -p "$root/etc/systemd/system"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
[ -z "$cgroup" ] || mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=1777 tmpfs "$root/var/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for d in null zero full random urandom tty; do
    : >"$root/dev/$d"; mount --bind "/dev/$d" "$root/dev/$d"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
[ -z "$files" ] || tar -C "$root" -xf "$files"
hostname "$name"
ip link set lo up 2>/dev/null || true
cd "$root"
mkdir -p oldroot
[ "$access" != read-only ] || mount -o remount,ro .
# Where this runs in a chroot its root is no mount point, and pivot_root(2) refuses.
if pivot_root . oldroot 2>/dev/null; then
    umount -l /oldroot
    exec env -i container=lxc PATH="$PATH" "$@"
fi
mount --move . /
exec chroot . env -i container=lxc PATH="$PATH" "$@"
"""

PROBE = PRIVATE + r"""
mount -t tmpfs tmpfs "$folder/memory"
mkdir "$folder/memory/u" "$folder/memory/w"
mount -t overlay -o "lowerdir=/,upperdir=$folder/memory/u,workdir=$folder/memory/w" overlay "$folder/root"
"""

UNCGROUP = PRIVATE + r"""
mount -t cgroup2 cgroup2 "$folder/cgroup"
find "$folder/cgroup/$2" -depth -type d -exec rmdir {} +
"""


def _folder():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="machine-"))
    for name in ("memory", "root", "cgroup"):
        (folder / name).mkdir()
    return folder


def _in_mount_namespace(script, *arguments):
    return subprocess.run(["unshare", "-m", "--propagation", "unchanged", "sh", "-c", script, "sh",
                           *arguments], capture_output=True, text=True)


@functools.cache
def missing():
    """Why no machine can be had here, or None."""
    if os.geteuid() != 0:
        return "needs root, to make namespaces and mount"
    for tool in ("unshare", "nsenter", "mount", "tar"):
        if not shutil.which(tool):
            return f"needs the program {tool}"
    folder = _folder()
    done = _in_mount_namespace(PROBE, folder)
    shutil.rmtree(folder, ignore_errors=True)
    if done.returncode != 0:
        return f"namespaces or an overlay cannot be made here: {done.stderr.strip()}"
    return None


class Machine:
    """One machine. `init` is its command line, as seen inside; `reeve` the binary to install as
    /usr/local/bin/reeve and under the names of systemd's tools; `system_units` keeps the unit
    files that this system has, and so does `root`, another root file system than this one's;
    `cgroup` lets it have a tree of cgroups; `read_only` makes its root read-only, but for /run,
    /tmp and /dev."""

    def __init__(self, init, reeve=None, name="machine", cgroup=True, system_units=False,
                 root="/", read_only=False):
        self.init, self.name, self.read_only = list(init), name, read_only
        self.folder = _folder()
        self.log = self.folder / "log"
        self.reeve, self.root = reeve, pathlib.Path(root).resolve()
        self.system_units = system_units or root != "/"
        self.cgroup = self.folder.name if cgroup else ""
        self.process, self.pid, self.has_cgroup = None, None, False

    def _files(self):
        """A tar of what is put over the root."""
        if not self.reeve:
            return ""
        stage = self.folder / "stage"
        binaries = stage / "usr/local/bin"
        binaries.mkdir(parents=True)
        shutil.copy(self.reeve, binaries / "reeve")
        os.chmod(binaries / "reeve", 0o755)
        helper = pathlib.Path(self.reeve).with_name("reeve-pam")  # where libpam0g-dev is
        if helper.exists():
            (stage / "usr/local/libexec").mkdir()
            shutil.copy(helper, stage / "usr/local/libexec/reeve-pam")
        for tool in TOOLS:
            (binaries / tool).symlink_to("reeve")
            for folder in ("usr/bin", "bin"):
                theirs = self.root / folder
                if theirs.is_symlink() or not (theirs / tool).exists():
                    continue
                (stage / folder).mkdir(exist_ok=True)
                (stage / folder / tool).symlink_to("/usr/local/bin/reeve")
        (stage / "etc").mkdir()
        (stage / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
        tar = self.folder / "files.tar"
        subprocess.run(["tar", "-C", stage, "--owner=0", "--group=0", "-cf", tar, "."], check=True)
        return str(tar)

    def boot(self):
        """Start the init and wait until the system runs."""
        files = self._files()
        empty = "" if self.system_units else " ".join(UNIT_FOLDERS)
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "-m", "--propagation", "unchanged", "sh", "-c", OUTER, "sh",
                 self.folder, self.cgroup, SETUP, self.name, files, empty, self.root,
                 "read-only" if self.read_only else "", *self.init],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, env=os.environ | {"PATH": PATH})
        end = time.monotonic() + BOOT_TIME
        while not self._is_up():
            if self.process.poll() is not None or time.monotonic() > end:
                text = self.log.read_text(errors="replace")
                self.off()
                raise RuntimeError(f"the machine did not come up; its console says:\n{text}")
            time.sleep(0.05)
        return self

    def _is_up(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        try:
            self.pid = int(children.read_text().split()[0])
            if pathlib.Path(f"/proc/{self.pid}/comm").read_text().strip() in ("sh", "unshare"):
                return False
            self.has_cgroup = os.readlink(f"/proc/{self.pid}/ns/cgroup") != \
                os.readlink("/proc/self/ns/cgroup")
        except (IndexError, OSError):
            return False
        done = self.run(["systemctl", "is-system-running"])
        return done.stdout.strip() in (b"running", b"degraded")

    @property
    def prefix(self):
        """The words to put before a command that is to run inside."""
        return ["nsenter", "-t", str(self.pid), "-m", "-p", "-u", "-i", "-n",
                *(["-C"] if self.has_cgroup else []), "-r", "-w"]

    def _login(self, argv):
        return [*self.prefix, "env", "-i", f"PATH={PATH}", "HOME=/root", "LANG=C.UTF-8", *map(str, argv)]

    def run(self, argv, **options):
        """Run a command inside, with the environment of a login of root's; its output is kept."""
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run(self._login(argv), capture_output=True, **options)

    def start(self, argv, **options):
        """The same without waiting for its end: a Popen, whose output is a pipe."""
        return subprocess.Popen(self._login(argv), **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE} | options)

    def off(self):
        """End it, and take its files away."""
        if self.process and self.process.poll() is None:
            if self.pid:
                os.kill(self.pid, signal.SIGKILL)
            else:
                self.process.kill()
            self.process.wait()
        if self.has_cgroup:
            self._remove_cgroups()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _remove_cgroups(self):
        """The processes die with their PID 1; their groups are free a moment later."""
        end = time.monotonic() + 5
        while _in_mount_namespace(UNCGROUP, self.folder, self.cgroup).returncode != 0:
            if time.monotonic() > end:
                break
            time.sleep(0.02)

    def __enter__(self):
        return self.boot()

    def __exit__(self, *_):
        self.off()
