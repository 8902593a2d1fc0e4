"""reeve guard: a service that starts slowly, hangs, flaps, answers 500, leaks descriptors; under
reeve, under the systemd of this system, and under systemd 257."""
import pathlib
import re
import shutil

import pytest

from box import HERE, SYSTEMD, Box, servers_root, why_not

URL = "http://127.0.0.1:8080/"
# What is not named by a test: quick, and not excused by a machine that is busy with tests.
OPTIONS = "--interval=200ms --timeout=2s --hold=0"


pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


class Guarded(Box):
    """It runs health_server.py below guard, in the unit g.service."""

    def __init__(self, kind, root="/"):
        super().__init__(kind, root)
        shutil.copy(HERE / "health_server.py", self.path("/usr/local/bin/health_server.py"))

    def answer(self, text):
        """What the server says from now on."""
        new = self.path("/tmp/t/answer.new")
        new.write_text(text)
        new.rename(self.path("/tmp/t/answer"))

    def unit(self, name, options, extra="", command=None, service="Type=notify\nNotifyAccess=all"):
        """Write a unit whose server may begin to listen, and forget those of earlier tests."""
        folder = self.path("/tmp/t")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        command = command or "/usr/bin/python3 /usr/local/bin/health_server.py 8080 /tmp/t"
        self.path(f"/etc/systemd/system/{name}").write_text(f"""[Unit]
StartLimitIntervalSec=0
[Service]
{service}
ExecStart=/usr/local/bin/reeve guard {options} -- {command}
TimeoutStartSec=60
{extra}
""")
        self.ok("systemctl", "daemon-reload")

    def start(self, name, *args, go=True, **kwargs):
        self.unit(name, *args, **kwargs)
        if go:
            self.path("/tmp/t/go").touch()
        status, text = self.run("systemctl", "start", *([] if go else ["--no-block"]), name)
        assert status == 0, text + self.run("systemctl", "status", "-n30", "--no-pager", name)[1]

    def main(self, name):
        return self.show(name, "MainPID")

    def kill(self, signal, pid):
        self.ok("kill", f"-{signal}", pid)


@pytest.fixture(scope="module", params=["reeve", "holder", "systemd", "systemd-257"])
def made(request):
    root = pathlib.Path("/")
    if request.param == "systemd-257":
        root = servers_root("trixie")
    if "systemd" in request.param and not (root / SYSTEMD).exists():
        pytest.skip("this system has no systemd to compare with")
    box = Guarded(request.param.partition("-")[0], root)
    yield box
    box.machine.off()


@pytest.fixture
def box(made):
    yield made
    made.run("systemctl", "kill", "-s", "KILL", "g.service")
    made.run("systemctl", "stop", "g.service")
    made.run("systemctl", "reset-failed", "g.service")


def test_slow_start(box):
    box.start("g.service", f"{OPTIONS} --http={URL}", go=False, extra="WatchdogSec=60")
    box.wait("g.service", StatusText="^starting: http .*connection refused", ActiveState="^activating$")
    box.path("/tmp/t/go").touch()
    box.wait("g.service", ActiveState="^active$", StatusText=r"^healthy: http .*: status 200 \([0-9.]+ ms\)")

    pid = box.main("g.service")
    argv = box.path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    assert argv[1] == b"/usr/local/bin/health_server.py", argv
    environment = box.path(f"/proc/{pid}/environ").read_bytes()
    assert b"NOTIFY_SOCKET=" not in environment and b"WATCHDOG_" not in environment
    prober = box.ok("pgrep", "-x", "reeve-guard").split()
    assert len(prober) == 1
    stat = box.path(f"/proc/{prober[0]}/stat").read_text()
    assert stat.rsplit(")", 1)[1].split()[1] != pid, "the prober is a child of the service"
    box.ok("systemctl", "stop", "g.service")
    assert box.show("g.service", "Result") == "success"
    assert box.run("pgrep", "-x", "reeve-guard")[0] == 1, "the prober outlived the service"


def test_exit_status_and_signals_are_the_services(box):
    box.start("g.service", f"{OPTIONS} --http={URL}")
    box.answer("exit 7")
    box.wait("g.service", ActiveState="^failed$", Result="^exit-code$", ExecMainStatus="^7$")
    box.start("g.service", f"{OPTIONS} --http={URL}")
    box.kill("ABRT", box.main("g.service"))
    box.wait("g.service", ActiveState="^failed$", Result="^(core-dump|signal)$", ExecMainStatus="^6$")


def test_not_ready_is_told_and_nothing_ends(box):
    box.start("g.service", f"{OPTIONS} --http={URL},for=ready", extra="WatchdogSec=60")
    pid = box.main("g.service")
    for _ in range(2):
        box.answer("500")
        box.wait("g.service", StatusText="^not ready: http .*answered status 500")
        box.answer("204")
        box.wait("g.service", StatusText="^healthy: http .*status 204")
    assert box.main("g.service") == pid and box.show("g.service", "NRestarts") == "0"
    assert box.show("g.service", "ActiveState") == "active"


WATCHED = "WatchdogSec=3s\nRestart=on-watchdog\nRestartSec=50ms\nTimeoutAbortSec=1s"


@pytest.mark.parametrize("how", ["hang", "500", "leak"])
def test_watchdog_restarts_what_is_not_alive(box, how):
    # A Debian machine's core pattern can be a pipe to a program of another namespace.
    extra = WATCHED + "\nLimitNOFILE=64\nLimitCORE=0"
    box.start("g.service", f"{OPTIONS} --http={URL},failures=2,timeout=500ms", extra=extra)
    pid = box.main("g.service")
    if how == "hang":
        box.run("kill", "-STOP", pid)  # a machine that is busy enough may have restarted it already
    else:
        box.answer(how)
    box.wait("g.service", NRestarts="^[1-9]")
    box.path("/tmp/t/answer").unlink(missing_ok=True)
    box.wait("g.service", ActiveState="^active$", StatusText="^healthy")
    assert box.main("g.service") != pid


def test_start_probe_comes_first(box):
    box.start("g.service", f"{OPTIONS} --exec='test -e /tmp/t/begun',for=start --http={URL}", go=False)
    box.path("/tmp/t/go").touch()
    box.wait("g.service", StatusText="^starting: exec test -e /tmp/t/begun: ended with status 1")
    box.path("/tmp/t/begun").touch()
    box.wait("g.service", ActiveState="^active$", StatusText="^healthy: exec .*; http .*status 200")


def test_listen_and_log(box):
    box.start("g.service", f"{OPTIONS} --listen=127.0.0.1:8080 --log=^started$,for=ready")
    assert re.search("^healthy: listen .*127.0.0.1:8080 is open .*; log .*a line matches",
                     box.show("g.service", "StatusText"))


def test_as_another_user(box):
    """Which may ask the manager, find the service's sockets, and tell."""
    box.start("g.service", f"{OPTIONS} --http={URL} --listen=127.0.0.1:8080 --exec='test -r /'",
              extra="User=nobody\nWatchdogSec=60\nProtectSystem=strict\nPrivateDevices=yes")
    box.wait("g.service", ActiveState="^active$", StatusText="^healthy: http .*; listen .*; exec ")
    stat = box.path(f"/proc/{box.main('g.service')}/status").read_text()
    assert re.search(r"^Uid:\t65534\t", stat, re.M)


def test_only_life(box):
    """The service reports that it is ready itself; the watchdog is guard's."""
    script = "systemd-notify --ready; exec /usr/bin/python3 /usr/local/bin/health_server.py 8080 /tmp/t"
    box.start("g.service", f"{OPTIONS} --http={URL},for=live", extra="WatchdogSec=60",
              command=f"/bin/sh -c '{script}'")
    box.wait("g.service", ActiveState="^active$", StatusText="^healthy")


@pytest.mark.parametrize("access", ["main", "exec"])
def test_notify_access_is_asked_for(box, access):
    box.unit("g.service", f"--http={URL}", service=f"Type=notify\nNotifyAccess={access}\nStandardError=file:/tmp/t/said")
    box.path("/tmp/t/go").touch()
    assert box.run("systemctl", "start", "g.service")[0] != 0
    assert box.show("g.service", "ExecMainStatus") == "64"
    assert f"NotifyAccess={access} in g.service" in box.path("/tmp/t/said").read_text()


def test_starved_machine_is_an_excuse(box):
    """A machine whose kernel says that processors are scarce: a file stands in for it."""
    box.path("/tmp/starved").write_text("some avg10=97.50 avg60=90.00 avg300=0.00 total=1\n")
    if box.run("mount", "--bind", "/tmp/starved", "/proc/pressure/cpu")[0] != 0:
        pytest.skip("this kernel has no pressure stall information")
    try:
        box.start("g.service", f"--interval=200ms --http={URL},failures=2,timeout=300ms --hold=1h",
                  extra="WatchdogSec=60")
        pid = box.main("g.service")
        box.kill("STOP", pid)
        box.wait("g.service", StatusText="holding fire: cpu pressure 97%")
        box.kill("CONT", pid)
        box.wait("g.service", StatusText="^healthy: http .*status 200")
        assert box.main("g.service") == pid and box.show("g.service", "NRestarts") == "0"
    finally:
        box.run("umount", "/proc/pressure/cpu")
