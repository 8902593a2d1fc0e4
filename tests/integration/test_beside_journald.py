"""reeve beside a real systemd: the journal is kept by the machine's journald, and read from its files."""
import os
import pathlib
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "differential"))
import machine as machines  # noqa: E402

REEVE = "/usr/local/bin/reeve"  # in the machine
SYSTEMD = "/lib/systemd/systemd"
UNITS = {
    "web.service": """[Service]
ExecStart=/bin/sh -c 'echo hello; echo "<3>an error"; head -c 300000 /dev/zero | tr "\\\\0" x; exit 3'
""",
    "ok.service": """[Service]
Type=oneshot
SyslogIdentifier=okay
ExecStart=/bin/sh -c 'echo I am ok'
""",
    "counts.service": """[Service]
ExecStart=/bin/sh -c 'i=0; while [ $$i -lt 400 ]; do i=$$((i+1)); echo $$i; sleep 0.01; done'
""",
}


@pytest.fixture(scope="module")
def machine():
    why = machines.missing() or ("" if os.path.exists(SYSTEMD) else f"no {SYSTEMD} here")
    if why:
        pytest.skip(why)
    with machines.Machine([SYSTEMD, "--system"], system_units=True) as m:
        if m.run(["test", "-S", "/run/systemd/journal/socket"]).returncode != 0:
            pytest.skip("no journald runs in a machine here")
        binary = pathlib.Path(os.environ.get("REEVE", "reeve")).read_bytes()
        m.run(["sh", "-c", "cat >$0 && chmod 755 $0", REEVE], input=binary, stdin=None)
        for name, text in UNITS.items():
            m.run(["sh", "-c", "mkdir -p /run/units && cat >/run/units/$0", name], input=text.encode(), stdin=None)
        yield m


def ask(machine, *argv):
    return machine.run(argv, timeout=120).stdout.decode(errors="replace").splitlines()


def wait(condition):
    end = time.monotonic() + 60
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)
    return found


def test_up(machine):
    """Both programs find what the units said, and what the manager said of them."""
    machine.run([REEVE, "up", "/run/units/web.service", "/run/units/ok.service"], timeout=120)
    wait(lambda: "Finished ok.service." in ask(machine, "journalctl", "-u", "ok.service", "-o", "cat"))
    wait(lambda: "web.service: Failed with result 'exit-code'." in ask(machine, "journalctl", "-u", "web.service", "-o", "cat"))
    for reader in (["/usr/bin/journalctl"], [REEVE, "log"]):
        web = ask(machine, *reader, "-u", "web.service", "-o", "cat", "-a")
        assert {"hello", "an error", "Started web.service."} <= set(web), reader
        assert sum(line.count("x") for line in web if set(line) == {"x"}) == 300000
        assert ask(machine, *reader, "-u", "web.service", "-p", "err", "-o", "cat") == ["an error"]
        assert "I am ok" in ask(machine, *reader, "-t", "okay", "-u", "ok.service", "-o", "cat")
    runs = [line for line in ask(machine, REEVE, "log", "-u", "web.service", "--list-invocations") if line.strip()]
    assert len(runs) == 2, runs  # with the heading
    run = ask(machine, REEVE, "log", "-u", "web.service", "--invocation=0", "-o", "cat")
    assert "hello" in run and "web.service: Failed with result 'exit-code'." in run
    assert ask(machine, REEVE, "log", "-u", "web.service", "--failure=last", "-o", "cat") == run
    files = ask(machine, "find", "/var/log/reeve", "/run/reeve", "-name", "*.journal")
    assert not files


def test_own(machine):
    """--journal=own: nothing is said to journald."""
    before = len(ask(machine, "journalctl", "-u", "ok.service", "-o", "cat"))
    machine.run([REEVE, "up", "--journal=own", "/run/units/ok.service"], timeout=120)
    machine.run([REEVE, "up", "/run/units/web.service"], timeout=120)
    wait(lambda: ask(machine, "journalctl", "-u", "web.service", "-o", "cat").count("hello") >= 2)
    assert len(ask(machine, "journalctl", "-u", "ok.service", "-o", "cat")) == before


def test_journald_dies(machine):
    """A supervisor's service does not notice; its lines are there, and why and status show them."""
    machine.run(["sh", "-c", "cp /run/units/*.service /etc/systemd/system"])
    manager = machine.start([REEVE, "init", "--console=none"])
    try:
        wait(lambda: machine.run([REEVE, "list-units"]).returncode == 0)
        assert machine.run([REEVE, "start", "counts.service"]).returncode == 0
        kills = 3
        for n in range(1, kills + 1):
            wait(lambda: str(n * 60) in ask(machine, REEVE, "log", "-u", "counts.service", "-o", "cat", "-n", "300"))
            assert machine.run(["systemctl", "kill", "-s", "KILL", "systemd-journald.service"]).returncode == 0
        wait(lambda: "400" in ask(machine, REEVE, "log", "-u", "counts.service", "-o", "cat"))
        lines = [int(x) for x in ask(machine, REEVE, "log", "-u", "counts.service", "-o", "cat") if x.isdigit()]
        assert lines == sorted(set(lines))
        # What journald had taken and not yet written when it was killed is lost with it.
        assert len(lines) >= 400 - kills
        assert ask(machine, REEVE, "show", "-p", "Result", "counts.service") == ["Result=success"]
        machine.run([REEVE, "start", "web.service"])
        wait(lambda: ask(machine, REEVE, "show", "-p", "ActiveState", "web.service") == ["ActiveState=failed"])
        wait(lambda: any("an error" in line for line in ask(machine, REEVE, "status", "-n", "50", "web.service")))
        assert any("status 3" in line or "status=3" in line for line in ask(machine, REEVE, "why", "web.service"))
    finally:
        manager.terminate()
        manager.wait(60)


def test_of_a_user(machine):
    """journald files what a user's units say by their user."""
    machine.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", "HOME=/tmp",
                 REEVE, "up", "/run/units/ok.service"], timeout=120)
    wait(lambda: "I am ok" in ask(machine, "journalctl", "OBJECT_SYSTEMD_USER_UNIT=ok.service", "_UID=65534", "-o", "cat"))
