"""The fixture `reeve`: a machine of its own that reeve booted, for one test.

    def test_restart_waits_for_restart_sec(reeve):
        reeve.write("flaky.service", \"\"\"
            [Service]
            ExecStart=/bin/false
            Restart=on-failure
            RestartSec=300ms
        \"\"\")
        with reeve.watch("flaky.service") as seen:
            reeve.ctl("start", "--no-block", "flaky.service")
            seen.in_order("running", "failed", "auto-restart", "running", timeout=5)

Keyword arguments of machine.Machine are given by a mark: @pytest.mark.machine(cgroup=False). The
binary is named by the environment variable REEVE."""
import json
import os
import pathlib
import socket
import sys
import textwrap
import threading
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "differential"))
import machine as machines  # noqa: E402

SOCKET = "run/reeve/io.reeve.Manager"


def pytest_configure(config):
    config.addinivalue_line("markers", "machine(**arguments): how the machine of `reeve` is made")


class Watch:
    """What happened to a unit since the watch began: its states, each with the time it was told."""

    def __init__(self, path, unit):
        self.seen = []  # (seconds, active state, sub state)
        self.changed = threading.Condition()
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(str(path))
        call = {"method": "io.reeve.Manager.Watch", "parameters": {"units": [unit]}, "more": True}
        self.connection.sendall(json.dumps(call).encode() + b"\0")
        self.replies = self._replies()
        first = next(self.replies)
        assert first["parameters"]["event"] == "watching", first
        threading.Thread(target=self._collect, daemon=True).start()

    def _replies(self):
        rest = b""
        while data := self.connection.recv(65536):
            *messages, rest = (rest + data).split(b"\0")
            yield from map(json.loads, messages)

    def _collect(self):
        try:
            for reply in self.replies:
                unit = reply.get("parameters", {}).get("unit")
                if not unit:
                    continue
                state = (unit["active"], unit["sub"])
                with self.changed:
                    if not self.seen or self.seen[-1][1:] != state:
                        self.seen.append((time.monotonic(), *state))
                        self.changed.notify_all()
        except OSError:
            pass  # the test is over

    def _find(self, states):
        """The positions of the states, one after the other, or None."""
        positions, at = [], 0
        for state in states:
            while at < len(self.seen) and state not in self.seen[at][1:]:
                at += 1
            if at == len(self.seen):
                return None
            positions.append(at)
            at += 1
        return positions

    def in_order(self, *states, timeout=10.0):
        """Wait until the unit has been in these states (active or sub states) in this order; there
        may be others in between."""
        end = time.monotonic() + timeout
        with self.changed:
            while self._find(states) is None:
                left = end - time.monotonic()
                assert left > 0, f"waited for {states}, saw {[s[1:] for s in self.seen]}"
                self.changed.wait(left)

    def elapsed(self, first, second):
        """Seconds between the first time in one state and the next in the other."""
        a, b = self._find((first, second)) or pytest.fail(f"not both of {first}, {second} seen")
        return self.seen[b][0] - self.seen[a][0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()


class Reeve:
    """A machine that runs reeve, as a test sees it."""

    def __init__(self, machine):
        self.machine = machine

    @property
    def root(self):
        """The machine's root file system, seen from outside."""
        return pathlib.Path(f"/proc/{self.machine.pid}/root")

    def path(self, name):
        """A path inside, seen from outside: for reading and writing files."""
        return self.root / str(name).lstrip("/")

    def write(self, name, text, mode=0o644):
        """Write a file; a name that is not absolute is one below /etc/systemd/system."""
        path = self.path(name if str(name).startswith("/") else f"/etc/systemd/system/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"))
        path.chmod(mode)

    def run(self, *argv, **options):
        """Run a command inside; returns a CompletedProcess whose output is text."""
        return self.machine.run(argv, text=True, **options)

    def ctl(self, *argv, check=True):
        """reeve VERB ...: its output. With `check`, a failure fails the test."""
        done = self.run("reeve", *argv)
        if check:
            assert done.returncode == 0, f"reeve {' '.join(argv)}: {done.returncode} {done.stderr}"
        return done.stdout

    def show(self, unit, *names):
        """Properties of a unit: the value of one, a dict of several."""
        text = self.ctl("show", *(f"-p{n}" for n in names), unit)
        values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        return values.get(names[0]) if len(names) == 1 else values

    def wait(self, unit, timeout=10.0, **values):
        """Wait until properties of the unit have these values."""
        def reached():
            seen.update(self.show(unit, "Id", *values))
            return all(seen.get(k) == str(v) for k, v in values.items())
        seen = {}
        self.until(reached, timeout, lambda: f"{unit}: wanted {values}, is {seen}")

    @staticmethod
    def until(condition, timeout=10.0, message=lambda: "it did not become true in time"):
        """Wait until condition() is true."""
        end = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < end, message()
            time.sleep(0.02)

    def watch(self, unit):
        """Follow the unit's states from now on."""
        return Watch(self.path(SOCKET), unit)


def why_no_machine():
    """Why the tests that need a machine are skipped, or None."""
    if not os.environ.get("REEVE"):
        return "REEVE does not name the reeve binary to test"
    return machines.missing()


def terminal():
    """A pseudo terminal: both its ends."""
    try:
        return os.openpty()
    except OSError as e:
        pytest.skip(f"no terminal is to be had (is /dev/pts mounted?): {e}")


@pytest.fixture
def reeve(request):
    if why := why_no_machine():
        pytest.skip(why)
    mark = request.node.get_closest_marker("machine")
    arguments = {"init": ["/usr/local/bin/reeve", "init"]} | (mark.kwargs if mark else {})
    with machines.Machine(reeve=os.environ["REEVE"], **arguments) as machine:
        yield Reeve(machine)
