#!/usr/bin/env python3
"""The Go services of tutorials (go/main.go), mistakes included: states, results and exit statuses as systemd 257 has them
(go/truth.json), and `reeve why` right for each.

    test_go.py ROOT CMD...    records the truth on a machine that systemd 257 has booted, whose root folder is ROOT here
                              and in which CMD runs a command line
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TRUTH = HERE / "go" / "truth.json"
LIBRARY = pathlib.Path("/usr/share/gocode/src/github.com/coreos/go-systemd/daemon")
PROPERTIES = ["ActiveState", "SubState", "Result", "ExecMainCode", "ExecMainStatus"]
PATIENCE = 60.0

# Unit, what to wait for (an ActiveState), the causes that are right.
CASES = {
    "right": ("Type=notify\nWatchdogSec=30\nExecStart=/opt/goservice right 127.0.0.1:18090", "active", [None]),
    "right-exec": ("Type=exec\nExecStart=/opt/goservice right 127.0.0.1:18092", "active", [None]),
    "low-port-allowed": ("Type=notify\nUser=nobody\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n"
                         "ExecStart=/opt/goservice right 127.0.0.1:81", "active", [None]),
    "low-port-denied": ("Type=notify\nUser=nobody\nExecStart=/opt/goservice right 127.0.0.1:82", "failed",
                        ["port-privileged"]),
    "port-in-use": ("Type=notify\nExecStart=/opt/goservice right 127.0.0.1:18091", "failed", ["port-in-use"]),
    "swallowed": ("Type=notify\nExecStart=/opt/goservice swallowed 127.0.0.1:18091", "active", ["running-not-serving"]),
    "fatal-without-notify": ("Type=exec\nExecStart=/opt/goservice fatal-without-notify", "failed", ["notify-socket-unset"]),
    "returns": ("Type=notify\nExecStart=/opt/goservice returns", "inactive", [None, "clean-exit-not-restarted"]),
    "relative-config": ("Type=notify\nExecStart=/opt/goservice relative-config", "failed", ["cwd-is-root"]),
    "never-ready": ("Type=notify\nTimeoutStartSec=2\nExecStart=/opt/goservice never-ready", "failed", ["notify-never-ready"]),
    "panic": ("Type=notify\nExecStart=/opt/goservice panic", "failed", ["crash-signal"]),
    "exit-1": ("Type=exec\nExecStart=/opt/goservice exit-1", "failed", ["unknown"]),
    "recovered": ("Type=exec\nExecStart=/opt/goservice recovered", "failed", ["unknown"]),
    "nil": ("Type=notify\nExecStart=/opt/goservice nil", "failed", ["crash-signal"]),
    # kill -SEGV and -QUIT from outside: Go's runtime panics, or dumps its goroutines, and exits with 2.
    "kill-segv": ("Type=notify\nExecStart=/opt/goservice idle", "failed", ["crash-signal"]),
    "kill-quit": ("Type=notify\nExecStart=/opt/goservice idle", "failed", ["crash-signal"]),
    # signal.Notify takes the dump away, and with it the exit status.
    "kill-quit-caught": ("Type=notify\nExecStart=/opt/goservice quit-caught", "inactive", [None, "clean-exit-not-restarted"]),
    "hang": ("Type=notify\nWatchdogSec=1\nExecStart=/opt/goservice hang", "failed", ["watchdog-expired"]),
}
HOLDER = "[Service]\nType=notify\nExecStart=/opt/goservice right 127.0.0.1:18091\n"


def build(folder):
    """The program, or why there is none."""
    go = shutil.which("go", path="/usr/bin:/usr/local/bin")
    if not go or not LIBRARY.exists():
        return None, "no Go or no go-systemd (Debian: golang-go, golang-github-coreos-go-systemd-dev)"
    out = pathlib.Path(folder) / "goservice"
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "CGO_ENABLED": "0",
           "GOCACHE": str(pathlib.Path.home() / ".cache/go-build"), "GOFLAGS": "-p=1"}
    subprocess.run([go, "build", "-o", out, HERE / "go" / "main.go"], env=env, check=True, timeout=1200)
    return out.read_bytes(), None


def show(run, unit):
    text = run(["systemctl", "show", *(f"-p{p}" for p in PROPERTIES), unit]).stdout
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def play(run, name):
    """Starts the case; what came of it."""
    _, wanted, _ = CASES[name]
    unit = f"go-{name}.service"
    started = run(["systemctl", "start", unit]).returncode
    if name.startswith("kill-"):
        run(["systemctl", "kill", "-s", name.split("-")[1].upper(), unit])
    end = time.monotonic() + PATIENCE
    while (seen := show(run, unit))["ActiveState"] != wanted:
        assert time.monotonic() < end, (name, seen)
        time.sleep(0.1)
    return {"start": started, **seen}


def write_units(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, (settings, _, _) in CASES.items():
        (folder / f"go-{name}.service").write_text(f"[Unit]\nDescription={name}\n[Service]\n{settings}\n")
    (folder / "go-holder.service").write_text(HOLDER)
    # Keeps units that have ended from being forgotten.
    names = " ".join(f"go-{name}.service" for name in CASES)
    (folder / "go-keep.target").write_text(f"[Unit]\nAfter={names}\n")


def record(root, command):
    def run(argv):
        return subprocess.run([*command, *argv], capture_output=True, text=True)

    program, why = build("/tmp")
    assert program, why
    (pathlib.Path(root) / "opt").mkdir(exist_ok=True)
    path = pathlib.Path(root) / "opt/goservice"
    path.unlink(missing_ok=True)
    path.write_bytes(program)
    path.chmod(0o755)
    write_units(pathlib.Path(root) / "etc/systemd/system")
    run(["systemctl", "daemon-reload"])
    run(["systemctl", "start", "go-keep.target", "go-holder.service"])
    truth = {"version": run(["systemctl", "--version"]).stdout.splitlines()[0]}
    for name in CASES:
        truth[name] = play(run, name)
        run(["systemctl", "stop", f"go-{name}.service"])
        truth[name]["stopped"] = show(run, f"go-{name}.service")
    TRUTH.write_text(json.dumps(truth, indent=1) + "\n")


if __name__ == "__main__":
    record(sys.argv[1], sys.argv[2:])
    sys.exit()

import pytest  # noqa: E402
from conftest import Reeve, machines, why_no_machine  # noqa: E402

pytestmark = pytest.mark.skipif(why_no_machine() is not None, reason=str(why_no_machine()))


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    program, why = build(tmp_path_factory.mktemp("go"))
    if not program:
        pytest.skip(why)
    machine = machines.Machine(["/usr/local/bin/reeve", "init"], reeve=os.environ["REEVE"], name="go").boot()
    reeve = Reeve(machine)
    path = reeve.path("/opt/goservice")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(program)
    path.chmod(0o755)
    reeve.path("/opt/config.yaml").write_text("a: b\n")
    write_units(reeve.path("/etc/systemd/system"))
    reeve.ctl("daemon-reload")
    reeve.ctl("start", "go-keep.target", "go-holder.service")
    yield reeve
    machine.off()


@pytest.mark.parametrize("name", CASES)
def test_as_systemd(box, name):
    truth = json.loads(TRUTH.read_text())[name]
    seen = play(lambda argv: box.run(*argv), name)
    assert seen == {k: v for k, v in truth.items() if k != "stopped"}
    causes = CASES[name][2]
    # Once more it would not be killed.
    again = ["--again=no"] if name.startswith("kill-") else []
    report = json.loads(box.run("reeve", "why", "-o", "json", *again, f"go-{name}.service").stdout)
    cause = report["cause"] and report["cause"]["id"]
    assert cause in causes, report["cause"]
    box.run("systemctl", "stop", f"go-{name}.service")
    assert show(lambda argv: box.run(*argv), f"go-{name}.service") == truth["stopped"]
