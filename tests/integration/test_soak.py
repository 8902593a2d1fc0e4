"""Hours of a manager's life in seconds: random operations on random units of all kinds, and then nothing may be left over.

It runs where REEVE_SOAK=SECONDS asks for it; REEVE_SEED repeats one that failed (its text names the seed), and
REEVE_SOAK_CRASHES=1 adds crashes of the manager. Most is found with a binary that has sanitizers:

    meson setup build/asan -Db_sanitize=address,undefined && ninja -C build/asan src/reeve
    REEVE=$PWD/build/asan/src/reeve REEVE_SOAK=900 pytest tests/integration/test_soak.py"""
import collections
import contextlib
import json
import os
import pathlib
import random
import re
import signal
import socket
import sys
import time

import pytest

import soak
from conftest import SOCKET
from test_out_of_memory import call
from test_survival import PATIENCE, descriptors, zombies

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "differential"))
import actor  # noqa: E402

SECONDS = float(os.environ.get("REEVE_SOAK", "0"))
SEED = int(os.environ.get("REEVE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
CRASHES = int(os.environ.get("REEVE_SOAK_CRASHES", "0"))  # the weight of crashes among the operations
PHASE = 150  # operations between two looks at everything
INIT = ["/usr/bin/env", "ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=4:handle_segv=0:abort_on_error=0:exitcode=77",
        "UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1:exitcode=77",
        "/usr/local/bin/reeve", "init", "--console=none", "--crash-limit=100000"]
OVER = ("inactive", "failed")
OURS = re.compile(r"/run/(soak|log|credentials$|systemd/(unit-private-tmp|propagate|incoming|inaccessible|dynamic-uid)(/[a-z]*)?$|systemd/system\.control)|/run/systemd/transient/|/run/host$")


class Soak:
    """A machine under test, and what was done to it."""

    def __init__(self, reeve):
        self.reeve, self.rng = reeve, random.Random(SEED)
        self.units = soak.Units(random.Random(SEED + 1))
        self.history = collections.deque(maxlen=40)
        self.survivors = set()  # units whose processes may outlive them: KillMode=process and the like
        self.open = []  # connections that are held for a while
        self.operations = [(f, n) for f, n in (
            (self.job, 30), (self.signal, 10), (self.edit, 8), (self.vanish, 1), (self.mask, 1), (self.drop_in, 3),
            (self.reload, 4), (self.reexec, 1), (self.crash, CRASHES), (self.collector_dies, 1), (self.set_property, 4), (self.reset, 2),
            (self.cancel, 2), (self.touch, 6), (self.talk, 6), (self.hang_up, 4), (self.listen, 2), (self.transient, 3),
            (self.freeze, 2), (self.clean, 1), (self.environment, 1), (self.look, 3), (self.enable, 1))]
        reeve.path(soak.ACTOR).write_bytes(actor.build())
        reeve.path(soak.ACTOR).chmod(0o755)
        reeve.path("/run/soak").mkdir()
        reeve.path("/run/soak").chmod(0o1777)
        for name in self.units.written:
            self.write(name)
        call(reeve, "Reload")

    # ---- operations ----

    def call(self, method, **parameters):
        self.history.append((method, parameters))
        try:
            return call(self.reeve, method, **parameters)
        except FileNotFoundError as e:
            raise AssertionError(self.story("the manager is gone")) from e
        except TimeoutError as e:
            raise AssertionError(self.story(f"no answer to {method}")) from e

    def write(self, name, text=None):
        text = text or self.units.text(name)
        if re.search(r"KillMode=(process|none)|SendSIGKILL=no|Delegate|FinalKillSignal", text):
            self.survivors.add(re.sub(r"@.*\.", "@.", name))
        self.reeve.write(name, text)

    def any(self):
        return self.rng.choice(self.units.started)

    def job(self):
        parameters = {"type": self.rng.choice(soak.VERBS), "units": self.rng.sample(self.units.started, self.rng.choice([1, 1, 1, 2, 5])),
                      "mode": self.rng.choice(soak.MODES)}
        if parameters["mode"] == "isolate":
            parameters |= {"type": "start", "units": [self.rng.choice(self.units.targets)]}
        if parameters["mode"] == "triggering":
            parameters["type"] = "stop"
        self.call("EnqueueJobs", **parameters)

    def signal(self):
        self.call("KillUnit", unit=self.any(), whom=self.rng.choice(["main", "all", "control", "all-fail"]), signal=self.rng.choice(soak.SIGNALS))

    def edit(self):
        for name in self.rng.sample(self.units.written, self.rng.choice([1, 2, 6])):
            path = self.reeve.path(f"/etc/systemd/system/{name}")
            if path.is_symlink():
                path.unlink()
            self.write(name)
        if self.rng.random() < 0.7:
            self.reload()

    def vanish(self):
        self.reeve.path(f"/etc/systemd/system/{self.rng.choice(self.units.written)}").unlink(missing_ok=True)

    def mask(self):
        path = self.reeve.path(f"/etc/systemd/system/{self.rng.choice(self.units.written)}")
        path.unlink(missing_ok=True)
        path.symlink_to("/dev/null")

    def drop_in(self):
        name = self.rng.choice(self.units.written)
        path = f"/etc/systemd/system/{name}.d/{self.rng.choice('ab')}.conf"
        if self.rng.random() < 0.4:
            self.reeve.path(path).unlink(missing_ok=True)
        else:
            self.reeve.write(path, self.rng.choice([
                "[Unit]\nDescription=changed\n", "[Service]\nEnvironment=A=b\n", "[Service]\nExecStart=\nExecStart=/bin/false\n",
                "[Unit]\nAfter=s1.service\n", "no section\n", "[Service]\nType=nonsense\nRestart=", "[Unit]\nWants=" + "s2.service " * 50]))

    def reload(self):
        self.call("Reload")

    def reexec(self):
        self.call("Reexec")
        self.answers()

    def crash(self):
        self.history.append(("crash",))
        os.kill(self.reeve.machine.pid, signal.SIGSEGV)
        self.answers()

    def collector_dies(self):
        self.history.append(("collector dies",))
        for pid, what in self.processes().items():
            if what["parent"] == 1 and what["command"].startswith("reeve-journald\0") or "\0journald" in what["command"]:
                self.reeve.run("kill", "-9", str(pid))

    def set_property(self):
        self.call("SetProperties", unit=self.any(), keep=self.rng.choice([None, None, "runtime"]), assignments=[self.rng.choice([
            "CPUWeight=50", "TasksMax=40", "MemoryHigh=60M", "Description=set", "MemoryMax=infinity", "CPUQuota=50%", "IOWeight=7"])])

    def reset(self):
        self.call("ResetFailed", unit=self.rng.choice([None, self.any()]))

    def cancel(self):
        jobs = ((self.call("ListJobs") or {}).get("parameters") or {}).get("jobs", [])
        if jobs:
            self.call("CancelJob", id=self.rng.choice(jobs)["id"])

    def touch(self):
        """What paths look at, conditions too."""
        path = self.reeve.path("/run/soak") / self.rng.choice(["condition", "w0", "w1"])
        with contextlib.suppress(OSError):
            if path.is_dir():
                if self.rng.random() < 0.5:
                    (path / "file").touch()
                else:
                    (path / "file").unlink()
            elif path.exists() and self.rng.random() < 0.7:
                path.unlink()
            else:
                path.write_text("x")

    def talk(self):
        """A client of the sockets, which may hang up at once."""
        with contextlib.suppress(OSError):
            connection = socket.socket(socket.AF_UNIX)
            connection.setblocking(False)
            connection.connect(str(self.reeve.root / f"run/soak-{self.rng.choice(['k0', 'k1', 'a', 'a'])}.sock"))
            self.keep(connection)

    def keep(self, connection):
        self.open.append(connection)
        if len(self.open) > 4:
            self.open.pop(self.rng.randrange(len(self.open))).close()

    def send(self, method, parameters, part=1.0):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(PATIENCE)
        if not self.reeve.path(SOCKET).exists():
            raise AssertionError(self.story("the manager is gone"))
        with contextlib.suppress(ConnectionError):
            connection.connect(str(self.reeve.path(SOCKET)))
            data = json.dumps({"method": f"io.reeve.Manager.{method}", "parameters": parameters, "more": True}).encode() + b"\0"
            connection.sendall(data[:int(len(data) * part)])
        return connection

    def hang_up(self):
        """A client that is gone in the middle of its request, or of the answers."""
        self.history.append(("hang up",))
        kind = self.rng.choice(["EnqueueJobs", "WaitUnit", "ListUnits", "Watch", "StartTransient"])
        parameters = {"EnqueueJobs": {"type": "restart", "units": [self.any()], "mode": "replace"},
                      "WaitUnit": {"unit": self.any(), "properties": ["ActiveState"]}, "ListUnits": {}, "Watch": {"units": None},
                      "StartTransient": {"unit": f"run-{self.rng.randrange(1 << 30)}.service", "wait": True,
                                         "assignments": [f"ExecStart={soak.ACTOR} sleep=30"]}}[kind]
        self.send(kind, parameters, self.rng.choice([0.5, 1, 1])).close()

    def listen(self):
        """A client that waits, or never reads."""
        self.history.append(("listen",))
        self.keep(self.send(*self.rng.choice([("Watch", {"units": None}), ("WaitUnit", {"unit": self.any(), "properties": None})])))

    def transient(self):
        kind = self.rng.choice(["exec", "oneshot", "notify"])
        self.call("StartTransient", unit=f"run-{self.rng.randrange(8)}.service", mode="replace", assignments=[
            f"Type={kind}", f"ExecStart={soak.ACTOR} {self.rng.choice(soak.MAIN[kind])}", "TimeoutStartSec=1", "TimeoutStopSec=1",
            self.rng.choice(["CollectMode=inactive-or-failed", "CollectMode=inactive", "BindsTo=s0.service"])])

    def freeze(self):
        self.call(self.rng.choice(["FreezeUnit", "ThawUnit", "ThawUnit"]), unit=self.any())

    def clean(self):
        self.call("CleanUnit", unit=self.any(), what=["all"])

    def environment(self):
        self.call("SetEnvironment", set=[f"V{self.rng.randrange(3)}=x"], unset=[f"V{self.rng.randrange(3)}"])

    def look(self):
        self.call("ShowUnit", unit=self.any(), properties=None)
        self.call("ListUnits", more=True)

    def enable(self):
        self.history.append(("enable",))
        self.reeve.run("reeve", self.rng.choice(["enable", "disable", "reenable"]), self.rng.choice(self.units.written))

    def answers(self):
        self.reeve.until(self.is_alive, PATIENCE, lambda: self.story("no answer"))

    def is_alive(self):
        assert self.reeve.machine.process.poll() is None, self.story("the manager is gone")
        return call(self.reeve, "ListJobs") is not None

    # ---- what has to be true ----

    def story(self, what):
        log = self.reeve.machine.log.read_text(errors="replace")
        last = "\n".join(map(str, self.history))
        return f"seed {SEED}: {what}\nthe manager: {self.where()}\nlast operations:\n{last}\nconsole:\n{log[-6000:]}"

    def where(self):
        """What the manager is doing: its state, what it waits for, its system call; and its children."""
        found = []
        for name in ("stat", "wchan", "syscall", "stack"):
            with contextlib.suppress(OSError):
                found.append(pathlib.Path(f"/proc/{self.reeve.machine.pid}/{name}").read_text())
        children = {p: w for p, w in self.processes().items() if w["parent"] == 1}
        return f"{found}\n{children}"

    def processes(self):
        """Of the machine, but for those that came from outside, by pid: parent, state, command, cgroup."""
        found = {}
        for folder in self.reeve.path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, ValueError, IndexError):
                words = (folder / "stat").read_text().rpartition(")")[2].split()
                group = (folder / "cgroup").read_text().strip().rpartition(f"/{self.reeve.machine.cgroup}")[2]
                found[int(folder.name)] = {"state": words[0], "parent": int(words[1]), "cgroup": group,
                                           "command": (folder / "cmdline").read_text(errors="replace")}
        outside = {p for p, w in found.items() if w["parent"] == 0 and p != 1}
        return {p: w for p, w in found.items() if p != 1 and p not in outside and w["parent"] not in outside}

    def units_of_processes(self):
        """The processes of units, by unit; the collector and others that are the manager's own are not among them."""
        by_unit = collections.defaultdict(list)
        for pid, what in self.processes().items():
            unit = next((part for part in what["cgroup"].split("/") if part.endswith((".service", ".socket"))), None)
            if unit and not unit.startswith("systemd-journald") and what["state"] != "Z":
                by_unit[unit].append((pid, what["cgroup"], what["command"].replace("\0", " ")))
        return by_unit

    def ask(self, method):
        """The parameters of all answers; a manager that is executed anew is asked again."""
        for _ in range(100):
            data = b""
            try:
                with self.send(method, {}) as connection, contextlib.suppress(ConnectionError):
                    while part := connection.recv(1 << 20):
                        data += part
                        if part.endswith(b"\0") and b'"continues"' not in data[:-1].rpartition(b"\0")[2]:
                            return [json.loads(m)["parameters"] for m in data.split(b"\0") if m]
            except TimeoutError as e:
                raise AssertionError(self.story(f"no answer to {method}, but {data!r}")) from e
            self.answers()
        raise AssertionError(self.story(f"no answer to {method}"))

    def list(self):
        """All units that are loaded, by name."""
        units = [p.get("unit") for p in self.ask("ListUnits")]
        return {u["id"]: u for u in units if u}

    def may_survive(self, unit):
        return re.sub(r"@.*\.", "@.", unit) in self.survivors

    def inconsistency(self):
        """What does not fit in states and processes; a change under way may be the reason of it."""
        units, processes = self.list(), self.units_of_processes()
        for name, who in processes.items():
            if (name not in units or units[name]["active"] in OVER) and not self.may_survive(name):
                return f"{name} is {units.get(name)}, and has processes: {who}"
        for name, unit in units.items():
            if name.endswith(".service") and (unit["active"], unit["sub"]) == ("active", "running") and not processes.get(name):
                return f"{name} is {unit}, and has no process"
        return None

    def until_none(self, look, what, patience=PATIENCE):
        """Wait until look() finds nothing."""
        seen = []
        self.reeve.until(lambda: not (seen.append(look()) or seen[-1]), patience, lambda: self.story(f"{what}: {seen[-1]}"))

    def jobs_end(self):
        """Those that there are now end, unless they wait for one that comes again and again (Upholds=)."""
        known = {j["id"] for j in self.ask("ListJobs")[-1]["jobs"]}

        def left():
            jobs = self.ask("ListJobs")[-1]["jobs"]
            running = [j for j in jobs if j["state"] == "running"]
            return [j for j in running or jobs if j["id"] in known]
        self.until_none(left, "jobs that do not end")

    def stop_everything(self):
        def left():
            units = {n: u for n, u in self.list().items() if n in self.units.started or u["job"] or
                     re.match(r"(run-|[at]@|soak).*\.(service|slice)", n)}
            return {n: (u["active"], u["sub"], u["job"], u["job_type"]) for n, u in units.items() if u["active"] not in OVER or u["job"]}

        def stop():
            if names := left():
                call(self.reeve, "EnqueueJobs", type="stop", units=list(names), mode="replace-irreversibly")
            return left()
        # One whose file is gone has the preset timeouts: 90 s each.
        self.until_none(stop, "units that cannot be stopped", 6 * PATIENCE)

        def survivors():
            names = [n for n in self.units_of_processes() if self.may_survive(n)]
            for name in names:
                call(self.reeve, "KillUnit", unit=name, whom="all", signal=9)
            return names
        self.until_none(survivors, "processes that cannot be killed")

    def groups(self):
        top = self.reeve.path("/sys/fs/cgroup")
        return {str(p.relative_to(top)) for p in top.rglob("*") if p.is_dir() and p.name.endswith((".service", ".socket"))} \
            - {"system.slice/systemd-journald.service"}

    def files(self):
        top = self.reeve.path("/run")
        return {name for p in top.rglob("*") if not OURS.match(name := f"/run/{p.relative_to(top)}")}

    def descriptors(self):
        """Slices that are up have one each; those that come and go by themselves are counted as if they were there."""
        return collections.Counter({k: max(n, 7) if k == "anon_inode" else n for k, n in descriptors(self.reeve).items()
                                    if not k.endswith(".slice")})

    def memory(self, pid):
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        return int(re.search(r"^Private_Dirty:\s+(\d+)", text, re.M)[1])

    def spins(self):
        """Whether the manager uses the processor while nothing happens."""
        def used():
            words = pathlib.Path(f"/proc/{self.reeve.machine.pid}/stat").read_text().rpartition(")")[2].split()
            return int(words[11]) + int(words[12])
        before = used()
        time.sleep(0.3)  # nothing to wait for: nothing is to happen
        return used() - before

    def reset_everything(self):
        """As it was before any unit was started."""
        while self.open:
            self.open.pop().close()
        self.stop_everything()
        for name in self.list():
            if name.endswith(".service"):
                call(self.reeve, "CleanUnit", unit=name, what=["fdstore", "runtime"])
        call(self.reeve, "ResetFailed", unit=None)
        call(self.reeve, "Reload")

    def check(self):
        self.answers()
        self.jobs_end()
        self.until_none(self.inconsistency, "inconsistent")
        self.reset_everything()
        self.until_none(self.units_of_processes, "processes that are left over")
        self.until_none(lambda: zombies(self.reeve), "zombies")
        self.until_none(self.groups, "control groups that are left over")
        self.until_none(self.spins, "the manager is busy with nothing")

    def run_phase(self):
        functions, weights = zip(*self.operations)
        for _ in range(PHASE):
            self.rng.choices(functions, weights)[0]()
            if self.rng.random() < 0.3:
                time.sleep(self.rng.uniform(0, 0.03))  # the random moment
            assert self.reeve.machine.process.poll() is None, self.story("the manager is gone")
        self.check()


@pytest.mark.machine(init=INIT)
def test_nothing_is_left_over(reeve):
    if not SECONDS:
        pytest.skip("REEVE_SOAK does not say for how many seconds")
    if why := actor.missing():
        pytest.skip(why)
    s = Soak(reeve)
    s.reset_everything()
    begin, files, end, phases = s.descriptors(), None, time.monotonic() + SECONDS, 0
    while phases < 2 or time.monotonic() < end:
        s.run_phase()
        phases += 1
        files = files or s.files()
        s.until_none(lambda: s.descriptors() - begin, f"descriptors after {phases} phases")
        s.until_none(lambda: s.files() - files, "files in /run")
        print(f"phase {phases}: {s.memory(reeve.machine.pid)} KiB", file=sys.stderr, flush=True)
