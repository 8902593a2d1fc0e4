"""Each allocation of the manager fails once, while it does what it does all day.

It goes on living, answers an error or loses that one connection, loses no service that runs, and
does the same thing rightly when there is memory again. REEVE_OOM=full fails every allocation of each
operation, else a sample of them; REEVE_OOM=start:17 only that one, to look at it. Needs the dynamic
binary, build/dev/src/reeve or REEVE_DYNAMIC, since a static one takes no other malloc()."""
import json
import mmap
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import time

import pytest

from conftest import SOCKET, Reeve, machines, why_no_machine

HERE = pathlib.Path(__file__).resolve().parent
BINARY = pathlib.Path(os.environ.get("REEVE_DYNAMIC") or HERE.parents[1] / "build/dev/src/reeve")
MODE = os.environ.get("REEVE_OOM", "")
SAMPLE = 12  # allocations of each operation that fail where not all do
PATIENCE = 60.0
WITNESS = ("witness.service", "MainPID", "ActiveState", "InvocationID", "StatusText")

UNITS = {
    "witness.service": """
        [Service]
        Type=notify
        NotifyAccess=all
        ExecStart=/bin/sh -c 'systemd-notify --ready --status=here; exec sleep infinity'
    """,
    "subject.service": """
        [Unit]
        Description=What is done to it fails for want of memory
        StartLimitIntervalSec=0
        Wants=wanted.service
        After=wanted.service
        [Service]
        Type=notify
        NotifyAccess=all
        Environment=A=b C=%n
        ExecStartPre=/bin/true
        ExecStart=/bin/sh -c 'trap "systemd-notify --status=told" USR1; systemd-notify --ready; while :; do sleep 0.05; done'
        ExecReload=/bin/true
        ExecStop=/bin/true
        TimeoutStopSec=20
    """,
    "subject.service.d/more.conf": """
        [Service]
        WatchdogSec=10min
        RuntimeDirectory=subject
    """,
    "wanted.service": """
        [Unit]
        StartLimitIntervalSec=0
        [Service]
        Type=oneshot
        ExecStart=/bin/sh -c 'echo some output; exit 0'
    """,
    "restarts.service": """
        [Unit]
        StartLimitIntervalSec=0
        [Service]
        Restart=always
        RestartSec=0
        ExecStart=/bin/sleep infinity
    """,
    "new@.service": """
        [Service]
        User=nobody
        ExecStart=/bin/echo instance %i
    """,
}


class Memory:
    """The page that the manager's malloc() looks at."""

    def __init__(self, path):
        with open(path, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), 160)

    def _get(self, i):
        return struct.unpack_from("<Q", self.page, 8 * i)[0]

    def fail(self, begin, length):
        struct.pack_into("<QQQQ", self.page, 0, 0, length, 0, 0)
        struct.pack_into("<Q", self.page, 0, begin)

    def enough(self):
        struct.pack_into("<Q", self.page, 0, 0)

    @property
    def seen(self):
        return self._get(2)

    @property
    def failed(self):
        return self._get(3)

    def where(self, pid):
        """The functions that asked for the memory."""
        maps = [line.split(None, 5) for line in
                pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines()]
        base = min(int(m[0].split("-")[0], 16) for m in maps if m[-1].endswith("/reeve"))
        size = BINARY.stat().st_size + (1 << 20)
        offsets = [hex(a - base - 1) for a in map(self._get, range(4, 20)) if base < a < base + size]
        if not offsets or not shutil.which("addr2line"):
            return ""
        done = subprocess.run(["addr2line", "-fse", BINARY, *offsets], capture_output=True, text=True)
        lines = done.stdout.split()
        return " < ".join(f"{f} {at}" for f, at in zip(lines[::2], lines[1::2]))


def parse(message):
    try:
        return json.loads(message)
    except json.JSONDecodeError as e:
        raise AssertionError(f"no JSON: {message[:300]!r}") from e


def call(reeve, method, more=False, patience=PATIENCE, **parameters):
    """One call on a connection of its own: its last reply, or None where there was none."""
    request = {"method": f"io.reeve.Manager.{method}", "parameters": parameters}
    if more:
        request["more"] = True
    data = b""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(patience)
        try:
            connection.connect(str(reeve.path(SOCKET)))
            connection.sendall(json.dumps(request).encode() + b"\0")
            while part := connection.recv(65536):
                data += part
                if data.endswith(b"\0") and not parse(data[:-1].split(b"\0")[-1]).get("continues"):
                    break
        except ConnectionError:
            return None
    replies = [parse(r) for r in data.split(b"\0") if r]
    return replies[-1] if replies else None


def job(reeve, kind, *units):
    return call(reeve, "EnqueueJobs", more=True, type=kind, units=list(units), mode="replace")


def properties(reeve, unit, *names):
    reply = call(reeve, "ShowUnit", unit=unit, properties=list(names)) or {}
    return (reply.get("parameters") or {}).get("properties") or {}


def main_pid(reeve, unit):
    return int(properties(reeve, unit, "MainPID").get("MainPID") or 0)


def settle(reeve, unit, state):
    """With memory: the unit comes to be in that state, whatever was left half done."""
    verb = "start" if state == "active" else "stop"

    def reached():
        if call(reeve, "ListJobs") and not call(reeve, "ListJobs")["parameters"]["jobs"] and \
                properties(reeve, unit, "ActiveState").get("ActiveState") == state:
            return True
        job(reeve, verb, unit)
        if state == "inactive":
            call(reeve, "ResetFailed", unit=unit)
        return False
    reeve.until(reached, PATIENCE, lambda: f"{unit} is not {state}: " + str(
        properties(reeve, unit, "ActiveState", "SubState", "Result")))


def kill(reeve, unit, signal):
    return call(reeve, "KillUnit", unit=unit, whom="main", signal=signal)


def notify(reeve, i):
    """The service sends a status; what it sends afterwards arrives in any case."""
    kill(reeve, "subject.service", 10)
    for _ in range(20):
        call(reeve, "ListJobs")


def restart_itself(reeve, i):
    kill(reeve, "restarts.service", 9)
    for _ in range(20):
        call(reeve, "ListJobs")


def is_answered(reeve):
    """Whether the manager answers soon; a program that is being executed has a socket that waits."""
    try:
        return bool(call(reeve, "ListJobs", patience=0.5))
    except TimeoutError:
        return False


def reexec(reeve, i):
    """Until the new program answers, or has had time to run out of memory."""
    call(reeve, "Reexec")
    end = time.monotonic() + 2
    while time.monotonic() < end and not is_answered(reeve):
        time.sleep(0.02)  # a refused connection takes no time at all


# name: (the state of subject.service before, what is done)
OPERATIONS = {
    "start": ("inactive", lambda reeve, i: job(reeve, "start", "subject.service")),
    "stop": ("active", lambda reeve, i: job(reeve, "stop", "subject.service")),
    "restart": ("active", lambda reeve, i: job(reeve, "restart", "subject.service")),
    "reload": ("active", lambda reeve, i: job(reeve, "reload", "subject.service")),
    "instance": (None, lambda reeve, i: job(reeve, "start", f"new@{i}.service")),
    "notify": ("active", notify),
    "restarts": (None, restart_itself),
    "show": (None, lambda reeve, i: call(reeve, "ShowUnit", unit="subject.service", properties=None)),
    "list": (None, lambda reeve, i: call(reeve, "ListUnits", more=True)),
    "environment": (None, lambda reeve, i: call(reeve, "SetEnvironment", set=[f"V=n{i}"], unset=None)),
    "output": (None, lambda reeve, i: call(reeve, "ReadOutput", more=True, unit="wanted.service")),
    "records": (None, lambda reeve, i: call(reeve, "ListRecords", unit="wanted.service")),
    "property": ("active", lambda reeve, i: call(reeve, "SetProperties", unit="subject.service",
                                                 assignments=[f"CPUWeight={i % 100 + 1}"], keep=None)),
    "daemon-reload": ("active", lambda reeve, i: call(reeve, "Reload")),
    "daemon-reexec": ("active", reexec),
}


@pytest.fixture(scope="module")
def scarce(tmp_path_factory):
    """A machine whose PID 1 can be made short of memory: (reeve, memory, its witness)."""
    if why := why_no_machine():
        pytest.skip(why)
    if not BINARY.exists():
        pytest.skip(f"needs the dynamic binary {BINARY}")
    if not shutil.which("cc"):
        pytest.skip("needs a C compiler")
    library = tmp_path_factory.mktemp("malloc") / "failing_malloc.so"
    subprocess.run(["cc", "-O1", "-g", "-shared", "-fPIC", "-o", library, HERE / "failing_malloc.c"],
                   check=True)
    init = ["/usr/bin/env", "LD_PRELOAD=/usr/local/lib/failing_malloc.so",
            "/usr/local/bin/reeve", "init", "--console=none"]
    with PreloadedMachine(init, library, reeve=BINARY) as machine:
        reeve = Reeve(machine)
        for name, text in UNITS.items():
            reeve.write(name, text)
        reeve.ctl("daemon-reload")
        reeve.ctl("start", "witness.service", "restarts.service", "subject.service")
        yield reeve, Memory(reeve.path("/run/failing-malloc")), reeve.show(*WITNESS)


class PreloadedMachine(machines.Machine):
    """A machine whose init is run with a library that is put there first."""

    def __init__(self, init, library, **options):
        super().__init__(init, **options)
        self.library = library

    def _files(self):
        archive = super()._files()
        stage = self.folder / "stage"
        (stage / "usr/local/lib").mkdir(parents=True)
        shutil.copy(self.library, stage / "usr/local/lib/failing_malloc.so")
        subprocess.run(["tar", "-C", stage, "--owner=0", "--group=0", "-cf", archive, "."], check=True)
        return archive


def places(reeve, memory, operation, before):
    """Which allocations are to fail: all of them, or a sample over the whole of the operation."""
    if before:
        settle(reeve, "subject.service", before)
    memory.fail(1 << 60, 1)
    operation(reeve, 0)
    memory.enough()
    n = memory.seen
    if MODE == "full":
        return range(1, n + 1)
    return sorted({1 + i * n // SAMPLE for i in range(SAMPLE)})


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("length", [1, 100], ids=["once", "for a while"])
def test_failed_allocations(scarce, name, length):
    reeve, memory, witness = scarce
    before, operation = OPERATIONS[name]
    wanted = MODE.split(":") if ":" in MODE else None
    if wanted and wanted[0] != name:
        pytest.skip("REEVE_OOM names another one")
    for n in [int(wanted[1])] if wanted else places(reeve, memory, operation, before):
        if before:
            settle(reeve, "subject.service", before)
        memory.fail(n, length)
        try:
            operation(reeve, n)
            late = ""
        except TimeoutError as e:
            late = f"\n{e}\n{reeve.run('reeve', 'list-jobs').stdout}{reeve.run('reeve', 'status', 'subject').stdout}"
        memory.enough()
        what = f"allocation {n} of {name} (x {length}): {memory.where(reeve.machine.pid)}{late}"
        log = reeve.machine.log.read_text(errors="replace")
        assert not late, what
        assert "crashed" not in log and reeve.machine.process.poll() is None, f"{what}\n{log[-3000:]}"
        assert reeve.show(*WITNESS) == witness, what
        try:
            settle(reeve, "restarts.service", "active")
            settle(reeve, "subject.service", "active")
        except AssertionError as e:
            raise AssertionError(f"{what}\n{e}\n{log[-3000:]}") from e
