"""A machine whose PID 1 is reeve or real systemd, and which has the reeve binary: for what has to
work the same under both."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "differential"))
import machine as machines  # noqa: E402

SYSTEMD = "lib/systemd/systemd"
DEADLINE = 60.0


def why_not():
    """Why there can be no box here, or None."""
    if not os.environ.get("REEVE"):
        return "REEVE does not name the binary"
    return machines.missing()


def servers_root(suite):
    """The root file system with the servers of that suite of Debian, which is made where it is not there; skips the test
    where it cannot be."""
    root = HERE.parents[1] / "build" / "roots" / ("servers" if suite == "bookworm" else f"servers-{suite}")
    built = subprocess.run(["sh", HERE.parent / "roots" / "build.sh", "servers", root, suite], capture_output=True, text=True)
    if built.returncode != 0:
        pytest.skip(f"the root file system could not be built: {built.stderr.strip()[-300:]}")
    return root


class Box:
    """A booted one. `kind` is "reeve", "holder" (reeve where no cgroup can be had) or "systemd"; `root`
    another root file system than this one's."""

    def __init__(self, kind, root="/"):
        reeve = os.environ["REEVE"]
        if kind != "systemd":
            self.machine = machines.Machine(["/usr/local/bin/reeve", "init"], reeve=reeve, root=root,
                                            cgroup=kind != "holder").boot()
        else:
            self.machine = machines.Machine([f"/{SYSTEMD}", "--system"], system_units=True, root=root).boot()
            shutil.copy(reeve, self.path("/usr/local/bin/reeve"))
            self.path("/usr/local/bin/reeve").chmod(0o755)

    def path(self, name):
        return pathlib.Path(f"/proc/{self.machine.pid}/root{name}")

    def run(self, *argv):
        done = self.machine.run(argv)
        return done.returncode, done.stdout.decode() + done.stderr.decode()

    def ok(self, *argv):
        status, text = self.run(*argv)
        assert status == 0, f"{argv}: {status} {text}"
        return text

    def show(self, unit, name):
        return self.ok("systemctl", "show", "-p", name, "--value", unit).rstrip("\n")

    def wait(self, unit, **values):
        """Wait until properties match these regular expressions."""
        end = time.monotonic() + DEADLINE
        while True:
            seen = {n: self.show(unit, n) for n in values}
            if all(re.search(v, seen[n]) for n, v in values.items()):
                return
            assert time.monotonic() < end, f"{unit}: wanted {values}, is {seen}"
            time.sleep(0.05)
