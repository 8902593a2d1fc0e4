"""The manager is killed, re-executed, starved and flooded while services run; nothing may be lost.

REEVE_SURVIVAL=full takes the numbers of the promise (500 services, 200 crashes, a minute of forks);
else they are scaled down. The random moments come from REEVE_SEED, which a failure names."""
import collections
import contextlib
import os
import pathlib
import random
import resource
import signal
import socket
import subprocess
import time

import pytest

FULL = os.environ.get("REEVE_SURVIVAL") == "full"
SERVICES, ROUNDS = (500, 200) if FULL else (60, 24)
DATAGRAMS, FORKS = (200000, 600000) if FULL else (20000, 6000)
SEED = int(os.environ.get("REEVE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
PATIENCE = 60.0

# Each leaves a line behind whenever its program is started. %TYPE% lines by the number's remainder.
KEEP = "echo $$$$ >>/run/starts/%n; "
KINDS = [
    "Type=simple\nExecStart=/bin/sh -c '" + KEEP + "exec sleep infinity'\n",
    "Type=exec\nExecStart=/bin/sh -c '" + KEEP + "exec sleep infinity'\n",
    "Type=notify\nNotifyAccess=all\nExecStart=/bin/sh -c '" + KEEP +
    "systemd-notify --ready --status=up; exec sleep infinity'\n",
    "Type=forking\nPIDFile=/run/%N.pid\nExecStart=/bin/sh -c '" + KEEP +
    "sleep infinity </dev/null >/dev/null 2>&1 & echo $! >/run/%N.pid'\n",
    "Type=forking\nExecStart=/bin/sh -c '" + KEEP + "sleep infinity </dev/null >/dev/null 2>&1 &'\n",
    "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/sh -c '" + KEEP + "'\n",
    "Type=simple\nRestart=always\nRestartSec=0\nExecStart=/bin/sh -c '" + KEEP +
    "exec sleep infinity'\nExecStop=/bin/true\n",
]


def is_alive(reeve, pid):
    return pathlib.Path(f"{reeve.root}/proc/{pid}").exists()


class Fleet:
    """Many services of several types, and what is known of them at the start."""

    def __init__(self, reeve, n):
        self.reeve = reeve
        self.names = [f"s{i}.service" for i in range(n)]
        reeve.path("/run/starts").mkdir()
        for i, name in enumerate(self.names):
            reeve.write(name, "[Unit]\nStartLimitIntervalSec=0\n[Service]\n" + KINDS[i % len(KINDS)])
        for i in range(8):
            reeve.write(f"churn{i}.service",
                        "[Unit]\nStartLimitIntervalSec=0\n[Service]\nExecStart=/bin/sleep infinity\n")
        reeve.ctl("daemon-reload")
        reeve.ctl("start", *self.names)
        self.begin = self.facts()
        assert {f["ActiveState"] for f in self.begin.values()} == {"active"}

    def facts(self):
        text = self.reeve.ctl("show", "-pId", "-pActiveState", "-pSubState", "-pMainPID",
                              "-pInvocationID", "-pNRestarts", "-pStatusText", *self.names)
        blocks = [dict(line.split("=", 1) for line in block.splitlines())
                  for block in text.strip().split("\n\n")]
        return {b["Id"]: b for b in blocks}

    def starts(self, name):
        return len(self.reeve.path(f"/run/starts/{name}").read_text().splitlines())

    def check(self):
        """Nothing has changed since the beginning, and nothing was started again."""
        now = self.facts()
        assert set(now) == set(self.begin)
        different = {n: (self.begin[n], now[n]) for n in now if now[n] != self.begin[n]}
        assert not different, f"seed {SEED}: {dict(list(different.items())[:3])}"
        assert {n: self.starts(n) for n in self.names if self.starts(n) != 1} == {}, f"seed {SEED}"
        dead = [n for n, f in now.items()
                if f["MainPID"] != "0" and not is_alive(self.reeve, f["MainPID"])]
        assert not dead, f"seed {SEED}: {dead}"

    def check_control(self):
        """The manager still has hold of them: an end is seen, a stop ends all processes."""
        restarting = next(n for i, n in enumerate(self.names) if i % len(KINDS) == 6)
        pid = self.begin[restarting]["MainPID"]
        self.reeve.run("kill", "-9", pid)
        self.reeve.wait(restarting, PATIENCE, NRestarts=1, SubState="running")
        # The state changes at exec; the script writes its line a moment later.
        self.reeve.until(lambda: self.starts(restarting) >= 2, PATIENCE,
                         lambda: f"{restarting} was not started again")
        assert self.starts(restarting) == 2
        self.reeve.ctl("stop", *self.names)
        states = {f["ActiveState"] for f in self.facts().values()}
        assert states == {"inactive"}, states
        left = [f["MainPID"] for f in self.begin.values()
                if f["MainPID"] != "0" and is_alive(self.reeve, f["MainPID"])]
        assert not left, f"processes outlived their units: {left}"


def answers(reeve):
    return reeve.run("reeve", "show", "-pVersion").returncode == 0


def crash(reeve):
    """Until the signal has been seen: who asks after that is answered by the next life."""
    def seen():
        return reeve.machine.log.read_text(errors="replace").count("reeve: crashed")
    before = seen()
    os.kill(reeve.machine.pid, signal.SIGSEGV)
    reeve.until(lambda: seen() > before, PATIENCE, lambda: "the signal was not seen")


def reexec(reeve):
    reeve.run("reeve", "daemon-reexec")


def children(pid):
    return pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def batter(reeve, fleet, blows):
    """Crashes and re-executions at random moments, while other units come and go."""
    rng = random.Random(SEED)
    for i in range(ROUNDS):
        verb = rng.choice(["restart", "start", "stop"])
        command = [*reeve.machine.prefix, "/usr/local/bin/reeve", verb, "--no-block",
                   *rng.sample([f"churn{k}.service" for k in range(8)], 4)]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as busy:
            time.sleep(rng.uniform(0, 0.03))  # the random moment
            rng.choice(blows)(reeve)
            busy.wait(PATIENCE)
        reeve.until(lambda: answers(reeve), PATIENCE,
                    lambda i=i: f"seed {SEED}, round {i}: no answer; console:\n"
                    + reeve.machine.log.read_text(errors="replace")[-3000:])
    fleet.check()


INIT = ["/usr/local/bin/reeve", "init", "--console=none", "--crash-limit=1000"]


@pytest.mark.machine(init=INIT)
def test_crashes_and_reexecs_lose_nothing(reeve):
    fleet = Fleet(reeve, SERVICES)
    batter(reeve, fleet, [crash, reexec])
    fleet.check_control()


@pytest.mark.machine(init=[*INIT, "--tracking=holder"])
def test_crashes_and_reexecs_lose_nothing_with_holders(reeve):
    fleet = Fleet(reeve, SERVICES // 4)
    batter(reeve, fleet, [crash, reexec])
    fleet.check_control()


@pytest.mark.machine(init=["/usr/local/bin/reeve", "init", "--console=none", "--crash-limit=2"])
def test_crash_limit(reeve):
    """Past the limit nothing is executed any more, and PID 1 still reaps."""
    reeve.write("s.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    reeve.ctl("start", "s.service")
    for _ in range(2):
        crash(reeve)
        reeve.until(lambda: answers(reeve), PATIENCE)
    pid = reeve.show("s.service", "MainPID")
    crash(reeve)
    reeve.until(lambda: "only reaping" in reeve.machine.log.read_text(), PATIENCE)
    assert is_alive(reeve, pid)
    reeve.run("kill", "-9", pid)
    reeve.until(lambda: not is_alive(reeve, pid), PATIENCE, lambda: f"{pid} is a zombie")


def descriptors(reeve):
    """How many of each kind the manager has, but for one that it opens when it first needs it, and keeps."""
    kinds = collections.Counter()
    process = pathlib.Path(f"/proc/{reeve.machine.pid}")
    root = os.readlink(process / "root")  # not "/" where all of this is in a chroot
    for fd in (process / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            kind = os.readlink(fd).split(":")[0]
            kinds["/" if kind == root else kind] += 1
    del kinds["/proc/1/status"]
    return kinds


@pytest.mark.machine(init=INIT)
def test_descriptors_stay_the_same(reeve):
    """A new life has what the one before had, what makes launches cheap (launch/fork.h) included."""
    for i in range(5):
        reeve.write(f"s{i}.service", "[Service]\nExecStart=/bin/sleep infinity\n")
        reeve.ctl("start", f"s{i}.service")
    # A launch is followed by a pipe until its program runs.
    reeve.until(lambda: descriptors(reeve)["pipe"] == 0, PATIENCE)
    before = descriptors(reeve)
    assert before["/"] >= 16, before
    for blow in (reexec, crash, crash, reexec):
        blow(reeve)
        reeve.until(lambda: answers(reeve), PATIENCE)
        reeve.ctl("restart", "s0.service")
        reeve.until(lambda: descriptors(reeve) == before, PATIENCE,
                    lambda: f"{before} became {descriptors(reeve)}")


@pytest.mark.machine(init=INIT)
def test_cgroup_of_what_cleaned_up_goes(reeve):
    if not reeve.machine.has_cgroup:
        pytest.skip("no tree of cgroups is to be had")
    reeve.write("s.service", "[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=oneshot\nExecStart=/bin/true\nStateDirectory=s\n")
    reeve.write("keep.target", "[Unit]\nAfter=s.service\n")
    reeve.ctl("start", "keep.target")
    group = reeve.path("/sys/fs/cgroup/system.slice/s.service")
    for _ in range(10):
        reeve.ctl("start", "s.service")
        reeve.ctl("clean", "--what=state", "s.service")
        assert not reeve.path("/var/lib/s").exists()
        reeve.until(lambda: not group.exists() and not descriptors(reeve)[str(group.relative_to(reeve.root))], PATIENCE,
                    lambda: f"{group} is left over: {reeve.ctl('status', 's.service', check=False)}")


@pytest.mark.machine(init=INIT)
def test_commands_run_after_a_kill(reeve):
    """What was left of the processes has been killed: ExecStopPost= runs in the same cgroup."""
    reeve.write("s.service", """
        [Service]
        TimeoutStopSec=1
        ExecStart=/bin/sh -c '(trap "" TERM; touch /run/up; while :; do sleep 1; done) & until [ -e /run/go ]; do sleep 0.1; done'
        ExecStopPost=/bin/touch /run/post
    """)
    reeve.ctl("start", "s.service")
    reeve.until(lambda: reeve.path("/run/up").exists(), PATIENCE)
    reeve.path("/run/go").touch()
    reeve.wait("s.service", PATIENCE, ActiveState="failed", Result="timeout")
    assert reeve.path("/run/post").exists()


def test_what_settings_that_are_gone_have_made_goes_with_the_unit(reeve):
    reeve.write("s.service", "[Service]\nExecStart=/bin/sleep infinity\nDynamicUser=yes\nSetCredential=c:secret\n")
    reeve.ctl("start", "s.service")
    made = [reeve.path("/run/systemd/dynamic-uid/direct:s"), reeve.path("/run/credentials/s.service/c")]
    # A start job of Type=simple can be over before the child has come that far.
    reeve.until(lambda: all(os.path.lexists(p) for p in made), PATIENCE)
    reeve.write("s.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    reeve.ctl("daemon-reload")
    reeve.ctl("stop", "s.service")
    assert not any(os.path.lexists(p) for p in made)
    assert not reeve.path("/run/credentials/s.service").exists()


def test_state_of_everything_survives_a_crash(reeve):
    """What is more than running processes: failures, counters, jobs, delays, the environment."""
    reeve.write("bad.service", "[Service]\nExecStart=/bin/false\n")
    reeve.write("later.service", """
        [Service]
        ExecStart=/bin/false
        Restart=always
        RestartSec=1h
    """)
    reeve.write("slow.service", """
        [Service]
        Type=notify
        NotifyAccess=all
        TimeoutStartSec=infinity
        ExecStart=/bin/sh -c 'until [ -e /run/go ]; do sleep 0.05; done; systemd-notify --ready; exec sleep infinity'
    """)
    reeve.write("after.service", """
        [Unit]
        Requires=slow.service
        After=slow.service
        [Service]
        ExecStart=/bin/sleep infinity
    """)
    reeve.ctl("set-environment", "KEPT=a b")
    reeve.run("reeve", "start", "bad.service", "later.service")
    reeve.wait("bad.service", PATIENCE, Result="exit-code", ActiveState="failed")
    reeve.wait("later.service", PATIENCE, SubState="auto-restart")
    reeve.ctl("start", "--no-block", "after.service")
    reeve.wait("slow.service", PATIENCE, SubState="start")
    before = reeve.show("bad.service", "InvocationID", "ExecMainStatus", "ExecMainPID",
                        "InactiveEnterTimestampMonotonic")

    crash(reeve)
    reeve.until(lambda: answers(reeve), PATIENCE)
    assert reeve.show("bad.service", *before) == before
    assert reeve.show("bad.service", "Result") == "exit-code"
    assert reeve.show("later.service", "SubState") == "auto-restart"
    assert "KEPT=a b" in reeve.ctl("show-environment").replace("$'", "").replace("'", "")
    assert "after.service" in reeve.ctl("list-jobs")
    assert reeve.run("reeve", "is-system-running").stdout.strip() == "degraded"
    reeve.path("/run/go").touch()
    reeve.wait("after.service", PATIENCE, ActiveState="active", SubState="running")


@pytest.mark.machine(init=INIT)
@pytest.mark.parametrize("phase, state, blow", [("Pre", "start-pre", crash), ("Post", "start-post", reexec)])
def test_commands_of_a_socket_go_on(reeve, phase, state, blow):
    reeve.write("x.service", "[Service]\nExecStart=/bin/cat\n")
    reeve.write("x.socket", f"""
        [Socket]
        ListenStream=/run/x
        ExecStart{phase}=/bin/sh -c 'until [ -e /run/go ]; do sleep 0.05; done; echo first >>/run/log'
        ExecStart{phase}=/bin/sh -c 'echo second >>/run/log'
    """)
    reeve.ctl("start", "--no-block", "x.socket")
    reeve.wait("x.socket", PATIENCE, SubState=state)
    pid = reeve.show("x.socket", "ControlPID")
    blow(reeve)
    reeve.until(lambda: answers(reeve), PATIENCE)
    assert reeve.show("x.socket", "ControlPID") == pid
    reeve.path("/run/go").touch()
    reeve.wait("x.socket", PATIENCE, SubState="listening")
    assert reeve.path("/run/log").read_text() == "first\nsecond\n"


@pytest.mark.machine(init=INIT)
def test_pid_file_that_is_written_during_a_crash(reeve):
    reeve.write("daemon.service", """
        [Service]
        Type=forking
        TimeoutStartSec=infinity
        PIDFile=/run/daemon.pid
        ExecStart=/bin/sh -c 'sleep infinity </dev/null >/dev/null 2>&1 & echo $! >/run/daemon.later'
    """)
    reeve.ctl("start", "--no-block", "daemon.service")
    reeve.wait("daemon.service", PATIENCE, SubState="start", ControlPID=0)
    os.kill(reeve.machine.pid, signal.SIGSTOP)
    reeve.path("/run/daemon.later").rename(reeve.path("/run/daemon.pid"))
    os.kill(reeve.machine.pid, signal.SIGSEGV)
    os.kill(reeve.machine.pid, signal.SIGCONT)
    reeve.until(lambda: answers(reeve), PATIENCE)
    reeve.wait("daemon.service", PATIENCE, SubState="running")
    assert reeve.show("daemon.service", "MainPID") == reeve.path("/run/daemon.pid").read_text().strip()


@pytest.mark.machine(init=INIT)
def test_start_that_a_crash_has_lost(reeve):
    """A crash between the start of a process and the end of that turn: nobody has written it down."""
    if not reeve.machine.has_cgroup:
        pytest.skip("no tree of cgroups is to be had")
    groups = reeve.path("/sys/fs/cgroup/system.slice")
    for name in ("lost", "empty"):
        reeve.write(f"{name}.service", "[Service]\nExecStart=/bin/sleep infinity\n")
        (groups / f"{name}.service").mkdir(parents=True)
    with reeve.machine.start(["sh", "-c", "echo $$ >/sys/fs/cgroup/system.slice/lost.service/cgroup.procs && exec sleep infinity"]) as process:
        events = groups / "lost.service/cgroup.events"
        reeve.until(lambda: "populated 1" in events.read_text(), PATIENCE)
        crash(reeve)
        reeve.until(lambda: answers(reeve), PATIENCE)
        assert reeve.show("lost.service", "ActiveState", "ControlGroup") == {
            "ActiveState": "inactive", "ControlGroup": "/system.slice/lost.service"}
        reeve.ctl("kill", "--signal=KILL", "lost.service")
        process.wait(PATIENCE)
    reeve.until(lambda: not list(groups.glob("*.service")), PATIENCE, lambda: str(list(groups.glob("*.service"))))
    assert reeve.machine.log.read_text().count("Processes of a start that was lost") == 1


@pytest.mark.machine(init=INIT)
def test_jobs_that_were_accepted_outlive_a_crash(reeve):
    """Also in the middle of the turn that starts them; the start that the crash met is done again."""
    if not reeve.machine.has_cgroup:
        pytest.skip("no tree of cgroups is to be had")
    rng = random.Random(SEED)
    names = [f"s{i}.service" for i in range(30)]
    reeve.path("/run/starts").mkdir()
    for name in names:
        reeve.write(name, "[Unit]\nPartOf=all.target\n[Service]\n" + KINDS[1])
    reeve.write("all.target", f"[Unit]\nWants={' '.join(names)}\nAfter={' '.join(names)}\n")
    reeve.ctl("daemon-reload")
    for i in range(4):
        reeve.ctl("start", "--no-block", "all.target")
        time.sleep(rng.uniform(0, 0.02))  # the random moment
        crash(reeve)
        reeve.until(lambda: answers(reeve), PATIENCE)
        reeve.wait("all.target", PATIENCE, ActiveState="active")
        states = reeve.ctl("show", "-pActiveState", "--value", *names).split()
        assert set(states) == {"active"}, f"seed {SEED}, round {i}: {states}"
        for name in names:
            group = reeve.path(f"/sys/fs/cgroup/system.slice/{name}/cgroup.procs")
            assert len(group.read_text().split()) == 1, f"seed {SEED}, round {i}: {name}"
        reeve.ctl("stop", "all.target", *names)


GENERATOR = r'''mkdir -p /etc/systemd/system-generators && cd /etc/systemd/system-generators &&
echo '#!/bin/sh
echo >>/run/generated
[ $(wc -l </run/generated) = 1 ] && kill -SEGV 1' >crashing && chmod +x crashing && exec /usr/local/bin/reeve init --console=none'''


@pytest.mark.machine(init=["/bin/sh", "-c", GENERATOR])
def test_boot_goes_on_after_a_crash(reeve):
    """One that comes before there is any job: while generators run."""
    assert reeve.machine.log.read_text().count("reeve: crashed") == 1
    assert len(reeve.path("/run/generated").read_text()) == 2
    reeve.wait("multi-user.target", PATIENCE, ActiveState="active")


@pytest.mark.machine(init=INIT)
def test_command_of_a_socket_whose_settings_are_read_anew(reeve):
    """Most of it shows with sanitizers: the command that runs is not looked for in the old settings."""
    reeve.write("x.service", "[Service]\nExecStart=/bin/cat\n")
    text = """
        [Socket]
        ListenStream=/run/x
        ExecStartPre=-/bin/sh -c 'until [ -e /run/go ]; do sleep 0.05; done; exit 1'
    """
    reeve.write("x.socket", text)
    reeve.ctl("start", "--no-block", "x.socket")
    reeve.wait("x.socket", PATIENCE, SubState="start-pre")
    for _ in range(3):
        reeve.ctl("daemon-reload")
    reeve.path("/run/go").touch()
    reeve.wait("x.socket", PATIENCE, SubState="listening", Result="success")
    assert "crashed" not in reeve.machine.log.read_text()


def collectors(reeve):
    """The processes of the journal's collector."""
    found = []
    for folder in reeve.path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if b"\0journald\0" in (folder / "cmdline").read_bytes():
                found.append(folder.name)
    return found


@pytest.mark.machine(init=INIT)
@pytest.mark.parametrize("blow", [reexec, crash])
def test_collector_that_waits_for_its_restart(reeve, blow):
    """Its restart is owed by the next life of the manager too; with each end it is longer to come."""
    reeve.write("says.service", "[Service]\nType=oneshot\nExecStart=/bin/echo after all\n")
    for _ in range(8):
        reeve.until(lambda: collectors(reeve), PATIENCE)
        old = set(collectors(reeve))
        reeve.run("kill", "-9", *old)
        reeve.until(lambda old=old: not old & set(collectors(reeve)), PATIENCE)
    blow(reeve)
    reeve.until(lambda: answers(reeve), PATIENCE)
    reeve.until(lambda: collectors(reeve), PATIENCE, lambda: "no output is collected any more")
    reeve.ctl("start", "says.service")
    reeve.until(lambda: "after all" in reeve.ctl("status", "says.service", check=False), PATIENCE)
    assert len(collectors(reeve)) == 1


# ---- floods ----

FLOOD_NOTIFY = r"""
import os, socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1))
s.send(b"READY=1")
for i in range(int(sys.argv[1])):
    s.send(b"STATUS=%d\nX_%d=%s" % (i, i, b"x" * (i % 2000)))
s.send(b"STATUS=the last one")
time.sleep(1e6)
"""

FLOOD_FORK = r"""
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
/* Children whose parent is gone at once: PID 1 or a holder has to wait for them. */
int main(int argc, char **argv)
{
    for (long i = atol(argv[1]); i > 0; i -= 10) {
        pid_t p = fork();
        if (p == 0) {
            for (int k = 0; k < 10; k++)
                if (fork() == 0)
                    _exit(0);
            _exit(0);
        }
        if (p > 0)
            waitpid(p, NULL, 0);
    }
    return 0;
}
"""


def zombies(reeve):
    """Processes of the machine that nobody has waited for."""
    found = []
    for stat in reeve.path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        if text.rpartition(")")[2].split()[0] == "Z":
            found.append(text.split(" (")[0])
    return found


def witness(reeve):
    """A service whose state must not suffer."""
    reeve.write("witness.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    reeve.ctl("start", "witness.service")
    return reeve.show("witness.service", "MainPID", "ActiveState", "InvocationID")


def test_notify_flood(reeve):
    seen = witness(reeve)
    reeve.write("/run/flood.py", FLOOD_NOTIFY)
    reeve.write("flood.service", f"""
        [Service]
        Type=notify
        ExecStart=/usr/bin/python3 /run/flood.py {DATAGRAMS}
    """)
    reeve.ctl("start", "flood.service")
    reeve.wait("flood.service", 4 * PATIENCE, StatusText="the last one")
    assert reeve.show("witness.service", *seen) == seen
    reeve.ctl("stop", "flood.service")
    assert zombies(reeve) == []


@pytest.mark.parametrize("tracking", ["cgroup", "holder"])
def test_fork_flood(request, tmp_path, tracking):
    from conftest import Reeve, machines, why_no_machine
    if why := why_no_machine():
        pytest.skip(why)
    (tmp_path / "flood.c").write_text(FLOOD_FORK)
    subprocess.run(["cc", "-O1", "-static", "-o", tmp_path / "flood", tmp_path / "flood.c"], check=True)
    init = ["/usr/local/bin/reeve", "init", "--console=none", f"--tracking={tracking}"]
    with machines.Machine(init, reeve=os.environ["REEVE"]) as machine:
        reeve = Reeve(machine)
        seen = witness(reeve)
        reeve.path("/tmp/flood").write_bytes((tmp_path / "flood").read_bytes())
        reeve.path("/tmp/flood").chmod(0o755)
        reeve.write("flood.service", f"[Service]\nType=oneshot\nTimeoutStartSec=infinity\n"
                    f"ExecStart=/tmp/flood {FORKS}\n")
        reeve.ctl("start", "flood.service")
        assert reeve.show("flood.service", "Result") == "success"
        assert reeve.show("witness.service", *seen) == seen
        reeve.until(lambda: not zombies(reeve), PATIENCE, lambda: f"zombies: {zombies(reeve)}")


# ---- clients ----

def connect(reeve):
    from conftest import SOCKET
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE)
    connection.connect(str(reeve.path(SOCKET)))
    return connection


def is_closed(connection):
    """Whether the manager ends the connection; what it still says is read away."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


@pytest.mark.parametrize("garbage", [
    b"\0", b"{}\0", b"[1,2]\0", b"nonsense\0", b'{"method":1}\0', b"\xff\xfe\xfd\0",
    b'{"method":"io.reeve.Manager.Start","parameters":{"units":"x"', b"[" * 100000 + b"\0",
    b"x" * (2 << 20)], ids=range(9))
def test_garbage_costs_only_its_sender(reeve, garbage):
    seen = witness(reeve)
    with connect(reeve) as bad, connect(reeve) as good:
        try:
            bad.sendall(garbage)
            bad.shutdown(socket.SHUT_WR)
        except ConnectionError:
            pass
        assert is_closed(bad)
        good.sendall(b'{"method":"org.varlink.service.GetInfo"}\0')
        assert b"varlink" in good.recv(65536) or b"reeve" in good.recv(65536)
    assert reeve.show("witness.service", *seen) == seen


SLOW_TO_CHECK = """#!/bin/sh
case "$*" in *--check-state*)
    : >/run/checking
    until [ -e /run/go ]; do sleep 0.05; done
esac
exec /usr/local/bin/reeve.real "$@"
"""


@pytest.mark.machine(init=[*INIT, "--tracking=holder"])
def test_start_that_comes_with_a_reexec_keeps_no_connection(reeve):
    """It is the first thing that the new life does, and its holder outlives it: who waits for the end of the connection
    would wait for the end of the service."""
    reeve.write("x.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    reeve.ctl("daemon-reload")
    reeve.path("/usr/local/bin/reeve").rename(reeve.path("/usr/local/bin/reeve.real"))
    reeve.write("/usr/local/bin/reeve", SLOW_TO_CHECK, mode=0o755)
    manager = reeve.machine.pid
    with connect(reeve) as waits, connect(reeve) as starts:
        starts.sendall(b'{"method":"org.varlink.service.GetInfo"}\0')
        assert starts.recv(65536)
        waits.sendall(b'{"method":"io.reeve.Manager.Reexec"}\0')
        reeve.until(reeve.path("/run/checking").exists, PATIENCE)
        # It hears at once what is to be started, and that the program is good.
        os.kill(manager, signal.SIGSTOP)
        starts.sendall(b'{"method":"io.reeve.Manager.EnqueueJobs","parameters":{"type":"start","units":["x.service"]}}\0')
        reeve.path("/run/go").touch()
        reeve.until(lambda: any(") Z " in pathlib.Path("/proc", child, "stat").read_text() for child in children(manager)),
                    PATIENCE)
        os.kill(manager, signal.SIGCONT)
        assert is_closed(waits)


def test_client_that_never_reads(reeve):
    """It asks and asks; what is queued for it is bounded. Then it is cut off, or not heard."""
    seen = witness(reeve)
    call = b'{"method":"io.reeve.Manager.ListUnits","parameters":{},"more":true}\0'
    with connect(reeve) as deaf:
        deaf.settimeout(3)
        with pytest.raises((ConnectionError, TimeoutError)):
            for _ in range(10000):
                deaf.sendall(call * 100)
    assert reeve.show("witness.service", *seen) == seen
    pss = int(next(line.split()[1] for line in
                   pathlib.Path(f"/proc/{reeve.machine.pid}/smaps_rollup").read_text().splitlines()
                   if line.startswith("Pss:")))
    assert pss < 64 << 10, f"{pss} KiB"


def test_equal_paths(reeve):
    """Units read one after the other share settings that are equal; what is watched is in them."""
    for name in ("one", "two", "three"):
        reeve.write(f"{name}.path", "[Path]\nDirectoryNotEmpty=/run/asked\nUnit=asked.service\n")
    reeve.write("asked.service", "[Service]\nType=oneshot\nExecStart=/bin/rm -r /run/asked\n")
    reeve.ctl("start", "one.path", "two.path", "three.path")
    reeve.run("mkdir", "-p", "/run/asked/file")
    reeve.until(lambda: not reeve.path("/run/asked").exists(), 30)
    assert "crashed" not in reeve.machine.log.read_text(errors="replace")


@pytest.mark.machine(init=INIT)
def test_no_descriptor_for_a_connection(reeve):
    """It waits until there is one, which is told once and not at each look."""
    reeve.write("echo.socket", "[Socket]\nListenStream=/run/echo.sock\nAccept=yes\n")
    reeve.write("echo@.service", "[Service]\nExecStart=/bin/cat\nStandardInput=socket\n")
    reeve.ctl("start", "echo.socket")
    limits = resource.prlimit(reeve.machine.pid, resource.RLIMIT_NOFILE)

    def told():
        return reeve.machine.log.read_text(errors="replace").count("Failed to accept a connection")
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(PATIENCE)
        resource.prlimit(reeve.machine.pid, resource.RLIMIT_NOFILE, (3, limits[1]))
        s.connect(f"/proc/{reeve.machine.pid}/root/run/echo.sock")
        reeve.until(told, PATIENCE)
        resource.prlimit(reeve.machine.pid, resource.RLIMIT_NOFILE, limits)
        s.sendall(b"hello")
        assert s.recv(10) == b"hello"
    assert told() == 1
