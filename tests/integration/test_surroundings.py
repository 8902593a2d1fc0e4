"""Where reeve runs: containers with and without cgroups, capabilities and a writable /run; without
root; beside another init."""
import os
import pathlib
import shutil
import signal
import subprocess

import pytest
from conftest import Reeve, machines, why_no_machine

PATIENCE = 60.0
REEVE_INIT = ["/usr/local/bin/reeve", "init"]
# What docker and podman give a container by default.
CONTAINER_CAPABILITIES = ("chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid",
                          "setpcap", "net_bind_service", "net_raw", "sys_chroot", "mknod",
                          "audit_write", "setfcap")
LIKE_CONTAINER = ["setpriv", "--bounding-set=-all," + ",".join("+" + c for c in CONTAINER_CAPABILITIES),
                  "--inh-caps=-all"]


def after(script, *init):
    """An init that runs when the script has."""
    return ["/bin/sh", "-c", script + '; exec "$@"', "sh", *init]


# A service whose process leaves a daemon behind in a session of its own.
STRAY = """
    [Service]
    ExecStart=/bin/sh -c 'setsid sleep 7777 & exec sleep infinity'
"""


def processes(reeve, words):
    """Pids, inside, of the processes whose command line contains the words."""
    done = reeve.run("pgrep", "-f", words)
    return done.stdout.split()


def check_main_job(reeve):
    """Starts, asks, kills, restarts and stops; every process of the unit goes with it."""
    reeve.write("stray.service", STRAY)
    reeve.write("once.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo made it'\n")
    reeve.write("bad.service", "[Service]\nUser=nobody\nExecStart=/bin/sh -c 'exit 7'\n")
    reeve.write("notify.service", """
        [Service]
        Type=notify
        NotifyAccess=all
        ExecStart=/bin/sh -c 'systemd-notify --ready --status=here; exec sleep infinity'
    """)
    reeve.ctl("daemon-reload")
    reeve.ctl("start", "stray.service", "once.service", "notify.service")
    assert reeve.show("notify.service", "StatusText") == "here"
    assert reeve.show("once.service", "Result") == "success"
    reeve.run("reeve", "start", "bad.service")
    reeve.wait("bad.service", PATIENCE, Result="exit-code", ExecMainStatus=7)
    reeve.until(lambda: processes(reeve, "sleep 7777"), PATIENCE)
    first = reeve.show("stray.service", "MainPID")
    reeve.ctl("restart", "stray.service")
    assert reeve.show("stray.service", "MainPID") != first
    reeve.until(lambda: len(processes(reeve, "sleep 7777")) == 1, PATIENCE)
    reeve.ctl("stop", "stray.service", "notify.service")
    assert processes(reeve, "sleep 7777") == []
    assert reeve.show("stray.service", "ActiveState") == "inactive"


def tracking(reeve):
    return next(line.split(": ", 1)[1] for line in reeve.ctl("status").splitlines()
                if line.strip().startswith("Tracking:"))


def test_with_cgroups(reeve):
    if not reeve.machine.has_cgroup:
        pytest.skip("this system has no cgroup2 tree to give")
    assert tracking(reeve) == "cgroup"
    check_main_job(reeve)
    reeve.ctl("start", "stray.service")
    group = reeve.show("stray.service", "ControlGroup")
    assert group == "/system.slice/stray.service"
    procs = reeve.path(f"/sys/fs/cgroup{group}/cgroup.procs")
    reeve.until(lambda: len(procs.read_text().split()) == 2, PATIENCE)  # the shell and what it leaves behind


@pytest.mark.machine(init=after("mount -o remount,bind,ro /sys/fs/cgroup 2>/dev/null", *LIKE_CONTAINER,
                                *REEVE_INIT))
def test_like_a_container(reeve):
    """No cgroup can be written, and no capability but the few of a container."""
    assert tracking(reeve) == "holder"
    check_main_job(reeve)
    reeve.write("user.service", """
        [Service]
        User=nobody
        RuntimeDirectory=for-nobody
        Type=oneshot
        ExecStart=/bin/sh -c 'id -un; touch /run/for-nobody/made; ls /run/for-nobody'
    """)
    reeve.write("hard.service", """
        [Service]
        ProtectSystem=strict
        ProtectHome=yes
        PrivateDevices=yes
        ProtectKernelTunables=yes
        NoNewPrivileges=yes
        ExecStart=/bin/sh -c 'touch /usr/leaked; exec sleep infinity'
    """)
    reeve.write("view.service", "[Service]\nInaccessiblePaths=/etc/hostname\n"
                "ExecStart=/bin/sh -c 'test -s /etc/hostname && touch /run/seen; exec sleep infinity'\n")
    reeve.ctl("start", "user.service", "hard.service")
    assert reeve.show("hard.service", "SubState") == "running"
    # Hardening takes effect, or is said to be left out.
    told = reeve.ctl("status", "hard.service") + reeve.machine.log.read_text()
    assert "ProtectSystem= could not be applied" in told or not reeve.path("/usr/leaked").exists()
    # What a service is to see is never left out: it takes effect, or the start fails.
    reeve.run("reeve", "start", "view.service")
    reeve.until(lambda: reeve.show("view.service", "ExecMainStatus") == "226" or
                processes(reeve, "^sleep infinity"), PATIENCE)
    assert not reeve.path("/run/seen").exists()


@pytest.mark.machine(cgroup=False)
def test_without_any_cgroup(reeve):
    assert tracking(reeve) == "holder"
    check_main_job(reeve)


# ---- what it passes for ----

def foreign(path):
    """Puts a systemctl there that is not the binary that runs, though it works like it."""
    return f"cp --remove-destination /usr/local/bin/reeve {path}"


def passes_for(reeve):
    return (reeve.path("/proc/1/comm").read_text().strip(),
            reeve.path("/run/systemd/system").is_dir())


def test_passes_for_systemd(reeve):
    assert passes_for(reeve) == ("systemd", True)


@pytest.mark.machine(init=after(foreign("/usr/bin/systemctl"), *REEVE_INIT))
def test_another_systemctl_that_path_does_not_find(reeve):
    """The name is systemd's: services such as keepalived ask their parent's for who runs them."""
    assert passes_for(reeve) == ("systemd", False)
    assert "/usr/bin/systemctl is not reeve's" in reeve.ctl("status") + reeve.machine.log.read_text()


@pytest.mark.machine(init=after(foreign("/usr/local/bin/systemctl"), *REEVE_INIT))
def test_another_systemctl_in_the_path(reeve):
    assert passes_for(reeve) == ("reeve", False)


# ---- read-only ----

PRELOADED = "printf '[Service]\\nExecStart=/bin/sleep infinity\\n' >/etc/systemd/system/there.service; "


def check_read_only(reeve):
    """Units are put in the runtime folder, or are there already."""
    assert not os.access(reeve.path("/etc/hostname"), os.W_OK) or \
        reeve.run("touch", "/etc/hostname").returncode != 0
    reeve.ctl("start", "there.service")
    assert reeve.show("there.service", "SubState") == "running"
    reeve.run("kill", "-9", reeve.show("there.service", "MainPID"))
    reeve.wait("there.service", PATIENCE, Result="signal", ActiveState="failed")
    reeve.ctl("reset-failed", "there.service")


CONFINED = "printf '[Manager]\\nNoNewPrivileges=yes\\nCapabilityBoundingSet=~CAP_SYS_TIME\\n' >/etc/systemd/system.conf"


@pytest.mark.machine(init=after(CONFINED, *REEVE_INIT))
def test_settings_for_everything(reeve):
    """system.conf: what no process below the manager has."""
    reeve.write("x.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'cat /proc/self/status >/run/seen'\n")
    reeve.ctl("start", "x.service")
    seen = dict(line.split(":\t", 1) for line in reeve.path("/run/seen").read_text().splitlines() if ":\t" in line)
    assert seen["NoNewPrivs"] == "1"
    for kind in ("CapBnd", "CapPrm", "CapEff"):
        assert not int(seen[kind], 16) >> 25 & 1  # CAP_SYS_TIME
    assert int(seen["CapEff"], 16) & 1


def test_a_timer_that_cannot_wake_the_machine(reeve):
    """It elapses as others do, and says so."""
    reeve.write("w.timer", "[Timer]\nOnActiveSec=1\nAccuracySec=1us\nWakeSystem=yes\n")
    reeve.write("w.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    reeve.ctl("start", "w.timer")
    reeve.wait("w.service", PATIENCE, ActiveState="active")
    if not list(pathlib.Path("/sys/class/rtc").glob("*")):
        assert "WakeSystem" in reeve.show("w.timer", "ReeveDegraded")


# The folder of unit files is a memory file system: filled, and read-only from then on.
READ_ONLY_UNITS = PRELOADED + "mount -o remount,ro /etc/systemd"


@pytest.mark.machine(read_only=True, init=after(READ_ONLY_UNITS, *REEVE_INIT))
def test_read_only_root(reeve):
    check_read_only(reeve)
    reeve.write("/run/systemd/system/more.service", STRAY)
    reeve.ctl("daemon-reload")
    reeve.ctl("start", "more.service")
    assert reeve.show("more.service", "FragmentPath") == "/run/systemd/system/more.service"


@pytest.mark.machine(read_only=True, init=after(READ_ONLY_UNITS + "; mount -o remount,ro /run",
                                                *REEVE_INIT))
def test_read_only_run(reeve):
    """With the right to mount /run becomes a memory file system."""
    check_read_only(reeve)


@pytest.mark.machine(read_only=True, init=after(READ_ONLY_UNITS + "; mount -o remount,ro /run",
                                                *LIKE_CONTAINER, *REEVE_INIT))
def test_read_only_run_without_capabilities(reeve):
    """Runtime files are elsewhere; what needs /run says so."""
    check_read_only(reeve)
    assert reeve.run("touch", "/run/x").returncode != 0


# ---- the end ----

def ended(machine):
    """The exit status of the machine's init, once it has ended."""
    return machine.process.wait(PATIENCE)


@pytest.mark.machine(init=[*REEVE_INIT, "--stop-timeout=2s"])
@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT])
def test_end_with_a_deaf_service(reeve, signal_number):
    """`docker stop`: what listens stops in order, what does not is killed in time."""
    reeve.write("deaf.service", """
        [Service]
        TimeoutStopSec=infinity
        ExecStart=/bin/sh -c 'trap "" TERM; while :; do sleep 1; done'
    """)
    reeve.write("first.service", """
        [Unit]
        Before=second.service
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/bin/true
        ExecStop=/bin/echo farewell of the first
    """)
    reeve.write("second.service", """
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/bin/true
        ExecStop=/bin/echo farewell of the second
    """)
    reeve.ctl("start", "deaf.service", "first.service", "second.service")
    os.kill(reeve.machine.pid, signal_number)
    assert ended(reeve.machine) == 0
    console = reeve.machine.log.read_text()
    assert 0 <= console.find("farewell of the second") < console.find("farewell of the first")


@pytest.mark.machine(init=[*REEVE_INIT, "--exit-when=job.service"])
def test_exit_status(reeve):
    reeve.write("job.service", "[Service]\nExecStart=/bin/sh -c 'exit 42'\n")
    reeve.run("reeve", "start", "--no-block", "job.service")
    assert ended(reeve.machine) == 42


@pytest.mark.machine(init=[*REEVE_INIT, "--exit-when=job.service"])
def test_the_verdict_is_in_the_termination_log(reeve):
    reeve.write("/dev/termination-log", "words of another container\n" * 1000)
    reeve.write("job.service", "[Service]\nExecStart=/usr/bin/no-such-program\n")
    with reeve.path("/dev/termination-log").open("rb") as log:
        reeve.run("reeve", "start", "--no-block", "job.service")
        assert ended(reeve.machine) == 203
        text = log.read().decode()
    assert "exec-not-found" in text and "/usr/bin/no-such-program" in text
    assert "another container" not in text and len(text) <= 4096


# ---- without root ----

class Bare:
    """A process, and the namespaces that it lives in, where reeve is not PID 1 of a Machine."""

    def __init__(self, command, entry, environment=None):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=environment,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.entry, self.environment = entry, environment

    def run(self, *argv):
        return subprocess.run([*self.entry(self.process.pid), *argv], capture_output=True, text=True,
                              env=self.environment, stdin=subprocess.DEVNULL)

    def until(self, condition, what):
        def over():
            assert self.process.poll() is None, f"it ended: {self.process.stdout.read()}"
            return condition()
        Reeve.until(over, PATIENCE, lambda: what)

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            out, _ = self.process.communicate(timeout=PATIENCE)
        finally:
            self.process.kill()
        return self.process.returncode, out


def need(*tools):
    if why := why_no_machine():
        pytest.skip(why)
    for tool in tools:
        if not shutil.which(tool):
            pytest.skip(f"needs the program {tool}")


NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]


# A folder like any other, with what a root has mounted below.
CHROOT = """
    mkdir -p /srv/c/units /srv/c/tmp
    for d in usr etc var proc sys dev run; do mkdir /srv/c/$d; mount --rbind /$d /srv/c/$d; done
    for d in bin sbin lib lib64; do if [ -e /$d ]; then ln -s usr/$d /srv/c/$d; fi; done
"""
CHROOT_UNITS = {
    "seen.service": "ExecStart=/bin/sh -c 'ls /tmp; (touch /etc/x) 2>/dev/null || echo read-only'",
    "bound.service": "BindPaths=/usr/bin:/mnt\nExecStart=/bin/sh -c 'test -x /mnt/env && echo bound'",
}


def test_in_a_chroot(reeve):
    """Its root is no mount: sandboxes hold all the same, and nothing of them is seen outside."""
    if reeve.run("sh", "-ec", CHROOT).returncode != 0:
        pytest.skip("nothing can be mounted here")
    for name, lines in CHROOT_UNITS.items():
        text = f"[Service]\nType=oneshot\nPrivateTmp=yes\nProtectSystem=strict\n{lines}\n"
        reeve.path(f"/srv/c/units/{name}").write_text(text)
    reeve.path("/srv/c/tmp/theirs").write_text("")
    before = reeve.run("cat", "/proc/self/mountinfo").stdout
    done = reeve.run("chroot", "/srv/c", "reeve", "up", "/units")
    assert done.returncode == 0, done.stdout + done.stderr
    said = [line.split(": ", 1) for line in done.stdout.splitlines() if not line.startswith("reeve:")]
    assert ["seen", "read-only"] in said and ["bound", "bound"] in said and ["seen", "theirs"] not in said
    assert "could not be applied" not in done.stdout + done.stderr
    assert reeve.run("cat", "/proc/self/mountinfo").stdout == before


@pytest.fixture
def public(tmp_path_factory):
    """A folder of the user nobody, with a copy of reeve."""
    need("setpriv", "unshare", "nsenter")
    import tempfile
    folder = pathlib.Path(tempfile.mkdtemp(prefix="rootless-"))
    folder.chmod(0o755)
    shutil.copy(os.environ["REEVE"], folder / "reeve")
    (folder / "reeve").chmod(0o755)
    for name in ("home/.config/systemd/user", "runtime"):
        (folder / name).mkdir(parents=True)
    subprocess.run(["chown", "-R", "65534:65534", folder], check=True)
    (folder / "runtime").chmod(0o700)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_of_a_user(public):
    """`reeve init` of somebody who is not root."""
    unit = public / "home/.config/systemd/user/mine.service"
    unit.write_text("[Service]\nExecStart=/bin/sh -c 'setsid sleep 7778 & exec sleep infinity'\n"
                    "RuntimeDirectory=of-mine\n")
    environment = {"HOME": str(public / "home"), "XDG_RUNTIME_DIR": str(public / "runtime"),
                   "PATH": os.environ["PATH"]}
    reeve = str(public / "reeve")
    mine = Bare([*NOBODY, reeve, "init", "mine.service"], lambda pid: NOBODY, environment)
    try:
        mine.until(lambda: mine.run(reeve, "--user", "is-active", "mine.service").stdout == "active\n",
                   "the unit did not start")
        # Type=simple counts as started before its process has made the folder.
        mine.until(lambda: (public / "runtime/of-mine").is_dir(), "its folder was not made")
        assert not (public / "runtime/systemd/notify").exists(), "systemd's place was taken"
        done = mine.run(reeve, "--user", "show", "-P", "MainPID", "mine.service")
        assert pathlib.Path(f"/proc/{done.stdout.strip()}").exists()
    finally:
        status, out = mine.end()
    assert status == 0, out
    assert subprocess.run(["pgrep", "-u", "65534", "-f", "sleep 7778"]).returncode == 1, out


USERNS = r"""
set -e
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /etc/systemd
mkdir /etc/systemd/system
printf '[Service]\nExecStart=/bin/sh -c "setsid sleep 7779 & exec sleep infinity"\n' \
    >/etc/systemd/system/inner.service
exec "$1" init --console=plain inner.service
"""


def test_in_a_user_namespace(public):
    """PID 1 of a rootless container: uid 0 of a namespace that maps one user."""
    if subprocess.run([*NOBODY, "unshare", "-Urm", "true"], capture_output=True).returncode != 0:
        pytest.skip("user namespaces are not to be had here without root")

    def entry(pid):
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [*NOBODY, "nsenter", "-t", (children or ["0"])[0], "-U", "-m", "-p", "--preserve-credentials",
                "-r", "-w"]
    reeve = str(public / "reeve")
    inner = Bare([*NOBODY, "unshare", "-Urmpf", "--mount-proc", "--kill-child", "sh", "-c", USERNS,
                  "sh", reeve], entry)
    try:
        inner.until(lambda: inner.run(reeve, "is-active", "inner.service").stdout == "active\n",
                    "the unit did not start")
        assert "holder" in inner.run(reeve, "status").stdout
        pid = inner.run(reeve, "show", "-P", "MainPID", "inner.service").stdout.strip()
        assert inner.run("kill", "-9", pid).returncode == 0
        inner.until(lambda: inner.run(reeve, "show", "-P", "Result", "inner.service").stdout
                    == "signal\n", "its end was not seen")
        assert inner.run(reeve, "start", "inner.service").returncode == 0
        assert inner.run(reeve, "stop", "inner.service").returncode == 0
        assert inner.run("pgrep", "-f", "sleep 7779").stdout == ""
        inner.run(reeve, "exit", "3")
        assert inner.process.wait(PATIENCE) == 3
    finally:
        inner.process.kill()


# ---- beside another init ----

OTHER_INIT = "touch /run/up; trap : CHLD; while :; do sleep 1000 & wait; done"


class OtherInit(machines.Machine):
    """A machine whose PID 1 is none of ours."""

    def _is_up(self):
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        try:
            self.pid = int(children.read_text().split()[0])
            self.has_cgroup = os.readlink(f"/proc/{self.pid}/ns/cgroup") != \
                os.readlink("/proc/self/ns/cgroup")
        except (IndexError, OSError):
            return False
        return pathlib.Path(f"/proc/{self.pid}/root/run/up").exists()


class Supervisor:
    """reeve init, started in a machine that has an init."""

    def __init__(self, machine, *arguments):
        self.reeve = Reeve(machine)
        self.outer = subprocess.Popen(
            [*machine.prefix, "env", "-i", f"PATH={machines.PATH}", "/usr/local/bin/reeve", "init",
             "--console=none", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        self.reeve.until(self.answers, PATIENCE, lambda: "the supervisor does not answer")

    def answers(self):
        assert self.outer.poll() is None, self.outer.stdout.read()
        return self.reeve.run("/usr/local/bin/reeve", "show", "-pVersion").returncode == 0

    def pid(self):
        """Its pid, seen from outside: nsenter forks for the pid namespace."""
        children = pathlib.Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children")
        return int((children.read_text().split() or [self.outer.pid])[0])


@pytest.mark.parametrize("way", ["cgroup", "holder"])
def test_killed_supervisor_adopts_its_services(way):
    need()
    with OtherInit(["/bin/sh", "-c", OTHER_INIT], reeve=os.environ["REEVE"]) as machine:
        reeve = Reeve(machine)
        for i in range(8):
            reeve.write(f"s{i}.service", "[Service]\nRestart=always\nRestartSec=0\n"
                        f"ExecStart=/bin/sh -c 'echo x >>/run/starts{i}; setsid sleep 7780 & "
                        "exec sleep infinity'\n")
        names = [f"s{i}.service" for i in range(8)]
        supervisor = Supervisor(machine, f"--tracking={way}", *names)
        for name in names:
            reeve.wait(name, PATIENCE, SubState="running")
        pids = {n: reeve.show(n, "MainPID") for n in names}
        os.kill(supervisor.pid(), signal.SIGKILL)
        supervisor.outer.wait(PATIENCE)
        for pid in pids.values():
            assert reeve.path(f"/proc/{pid}").exists(), "a service died with its supervisor"

        supervisor = Supervisor(machine, f"--tracking={way}", *names)
        for name in names:
            reeve.wait(name, PATIENCE, SubState="running", MainPID=pids[name])
        # Theirs again: their ends are seen, and a stop takes everything along.
        reeve.run("kill", "-9", pids[names[0]])
        reeve.until(lambda: reeve.show(names[0], "MainPID") not in ("0", pids[names[0]]), PATIENCE)
        def starts():
            return [len(reeve.path(f"/run/starts{i}").read_text().split()) for i in range(8)]
        reeve.until(lambda: starts()[0] == 2, PATIENCE)
        assert starts() == [2, 1, 1, 1, 1, 1, 1, 1]
        os.kill(supervisor.pid(), signal.SIGTERM)
        assert supervisor.outer.wait(PATIENCE) == 0
        assert reeve.run("pgrep", "-f", "sleep 7780").stdout == ""


SYSTEMD = "/lib/systemd/systemd"


@pytest.mark.skipif(not os.access(SYSTEMD, os.X_OK), reason=f"{SYSTEMD} is not installed")
def test_beside_systemd():
    need()
    with machines.Machine([SYSTEMD, "--system", "--show-status=no"], system_units=True) as machine:
        reeve = Reeve(machine)
        shutil.copy(os.environ["REEVE"], reeve.path("/usr/local/bin/reeve"))
        reeve.path("/usr/local/bin/reeve").chmod(0o755)
        reeve.write("theirs.service", "[Service]\nExecStart=/bin/sleep infinity\n")
        reeve.write("both.service", """
            [Service]
            Type=notify
            NotifyAccess=all
            ExecStart=/bin/sh -c 'echo "$NOTIFY_SOCKET"; systemd-notify --ready; setsid sleep 7781 & exec sleep infinity'
        """)
        assert reeve.run("systemctl", "daemon-reload").returncode == 0
        assert reeve.run("systemctl", "start", "theirs.service").returncode == 0
        before = reeve.run("systemctl", "show", "-pMainPID", "theirs.service").stdout

        supervisor = Supervisor(machine, "both.service")
        reeve.wait("both.service", PATIENCE, SubState="running")
        assert reeve.run("systemctl", "is-active", "both.service").stdout == "inactive\n"
        assert reeve.run("reeve", "is-active", "theirs.service").stdout == "inactive\n"
        main = reeve.show("both.service", "MainPID")
        environment = reeve.path(f"/proc/{main}/environ").read_bytes()
        assert b"NOTIFY_SOCKET=/run/systemd" not in environment
        # Its cgroups are below its own, or it has none: systemd's tree is not its.
        assert "/both.service" not in "".join(
            str(p) for p in reeve.path("/sys/fs/cgroup/system.slice").glob("*"))
        os.kill(supervisor.pid(), signal.SIGTERM)
        assert supervisor.outer.wait(PATIENCE) == 0
        assert reeve.run("pgrep", "-f", "sleep 7781").stdout == ""
        assert reeve.run("systemctl", "show", "-pMainPID", "theirs.service").stdout == before
