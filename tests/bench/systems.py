"""The service managers that the benchmarks compare, each as PID 1 of a machine of its own.

A machine is set up, but its init waits until units are written and go() is called, so that what is
timed is the init alone."""
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "differential"))
import machine as machines  # noqa: E402

WAIT = 'mkfifo /run/go; read line </run/go; rm /run/go; exec "$@"'
PROGRAM = "/usr/bin/sleep"
# What systemd needs of its own units to bring up services that log to its journal, and no more.
SYSTEMD_UNITS = (
    "basic.target", "sysinit.target", "sockets.target", "slices.target", "paths.target",
    "timers.target", "local-fs.target", "local-fs-pre.target", "swap.target", "shutdown.target",
    "umount.target", "final.target", "rescue.target", "rescue.service", "emergency.target",
    "emergency.service", "multi-user.target", "exit.target", "poweroff.target", "reboot.target",
    "systemd-journald.service", "systemd-journald.socket", "systemd-journald-dev-log.socket",
    "sockets.target.wants/systemd-journald.socket",
    "sockets.target.wants/systemd-journald-dev-log.socket",
    "sysinit.target.wants/systemd-journald.service", "systemd-exit.service",
    "systemd-poweroff.service", "systemd-reboot.service")


class BenchMachine(machines.Machine):
    """A machine whose init begins at go()."""

    def __init__(self, init, **options):
        super().__init__(["/bin/sh", "-c", WAIT, "sh", *init], **options)
        self.system_units = False  # those of another root file system neither

    def _is_up(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        try:
            self.pid = int(children.read_text().split()[0])
            self.has_cgroup = os.readlink(f"/proc/{self.pid}/ns/cgroup") != \
                os.readlink("/proc/self/ns/cgroup")
            return self.path("/run/go").is_fifo()
        except (IndexError, OSError):
            return False

    def path(self, name):
        return pathlib.Path(f"/proc/{self.pid}/root{name}")

    def write(self, name, text):
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def go(self):
        """Let the init begin; returns the time at which it did."""
        with open(self.path("/run/go"), "w") as fifo:
            begin = time.monotonic()
            fifo.write("\n")
        return begin

    def children(self):
        """The processes whose parent is PID 1, as seen from outside."""
        return [int(p) for p in pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children")
                .read_text().split()]

    def find(self, words):
        """The child of PID 1 whose command line contains all the words, or None."""
        for pid in self.children():
            try:
                line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            if all(w.encode() in line for w in words):
                return pid
        return None

    def cpu(self, pid):
        """Seconds that the process has run, user and system, to the nanosecond."""
        threads = pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")
        return sum(int(t.read_text().split()[0]) for t in threads) / 1e9

    def settled(self, pid):
        """cpu() once the process has nothing more to do."""
        last = -1.0
        while (now := self.cpu(pid)) > last + 0.0005:
            last = now
            time.sleep(0.3)
        return now

    def pss_settled(self, pid):
        """pss() once it has stayed the same for a while: what is free goes back with a delay."""
        last, since = -1, time.monotonic()
        while (now := self.pss(pid)) != last or time.monotonic() < since + 5:
            if now != last:
                last, since = now, time.monotonic()
            time.sleep(0.3)
        return now

    def pss(self, pid):
        """Proportional set size in KiB."""
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
        raise RuntimeError(f"no Pss of {pid}")


class System:
    """A service manager in the root file system `root`."""
    program = None

    def __init__(self, root):
        self.root = pathlib.Path(root)

    def why_not(self):
        there = self.root / self.program.lstrip("/")
        return None if os.access(there, os.X_OK) else f"{there} is not installed"

    def version(self):
        done = subprocess.run(["chroot", self.root, self.program, "--version"],
                              capture_output=True, text=True)
        return done.stdout.split("\n")[0].rstrip(".")

    def machine(self):
        return BenchMachine([self.program, *self.options], root=self.root)

    def prepare(self, machine):
        pass


class UnitFiles(System):
    """What the systems that run unit files have in common."""
    can_fail_units = True
    folder = "/etc/systemd/system/"

    def write(self, machine, n, body, what):
        """n services that bench.target, the default target, wants."""
        names = [f"{what}{i}.service" for i in range(n)]
        text = "[Unit]\nDescription=Service of a benchmark\nAfter=network.target\n" + body
        for name in names:
            machine.write(self.folder + name, text)
        machine.write(self.folder + "bench.target",
                      f"[Unit]\nRequires=basic.target\nAfter=basic.target\nWants={' '.join(names)}\n")
        machine.path(self.folder + "default.target").symlink_to("bench.target")

    def write_sleepers(self, machine, n):
        self.write(machine, n, "StartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep infinity\n",
                   "sleep")

    def write_failing(self, machine, n, output_bytes):
        line = b"a line of output of which there are many, as long as such lines usually are: 0123\n"
        machine.path("/run/output").write_bytes((line * (output_bytes // len(line) + 1))[:output_bytes])
        self.write(machine, n, "StartLimitIntervalSec=1h\nStartLimitBurst=2\n[Service]\n"
                   "ExecStart=/bin/sh -c 'cat /run/output; exit 1'\n"
                   "Restart=on-failure\nRestartSec=0\n", "fail")

    def failed(self, machine):
        done = machine.run(["systemctl", "show", "-P", "NFailedUnits"], text=True)
        return int(done.stdout.strip() or 0)

    restart = ["systemctl", "restart"]
    reload = ["systemctl", "daemon-reload"]
    unit = "sleep7.service"


class Reeve(UnitFiles):
    name = "reeve"
    collector = ("journald", "--control-fd")

    def __init__(self, root, binary):
        super().__init__(root)
        self.binary = binary

    def why_not(self):
        return None

    def version(self):
        done = subprocess.run([self.binary, "--version"], capture_output=True, text=True)
        return done.stdout.split("\n")[0]

    def machine(self):
        return BenchMachine(["/usr/local/bin/reeve", "init", "--console=none"], reeve=self.binary,
                            root=self.root)


class Systemd(UnitFiles):
    name = "systemd"
    program = "/usr/lib/systemd/systemd"
    options = ("--system", "--show-status=no")
    collector = ("systemd-journald",)

    def prepare(self, machine):
        theirs = self.root / "usr/lib/systemd/system"
        for name in SYSTEMD_UNITS:
            if not (theirs / name).exists():
                continue
            machine.write("/usr/lib/systemd/system/" + pathlib.Path(name).name,
                          (theirs / name).read_text())
            if "/" in name:
                wanted = machine.path("/usr/lib/systemd/system/" + name)
                wanted.parent.mkdir(exist_ok=True)
                wanted.symlink_to(f"../{wanted.name}")


class Dinit(System):
    name = "dinit"
    program = "/usr/sbin/dinit"
    options = ("--container", "--quiet")
    collector = None
    can_fail_units = False
    restart = ["dinitctl", "restart"]
    reload = None
    unit = "sleep7"

    def write_sleepers(self, machine, n):
        for i in range(n):
            machine.write(f"/etc/dinit.d/sleep{i}",
                          "type = process\ncommand = /bin/sleep infinity\nrestart = false\n")
        machine.write("/etc/dinit.d/boot", "type = internal\n" + "".join(
            f"waits-for = sleep{i}\n" for i in range(n)))
