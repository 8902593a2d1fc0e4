"""reeve run, against what systemd-run of systemd 257 did, and what goes beyond it.

verbs/systemd-run-257.txt is a transcript as test_verbs.py has them, recorded by verbs/record.py."""
import json
import os
import pathlib
import re
import select
import time

import pytest
import test_verbs
from conftest import terminal

TRANSCRIPT = pathlib.Path(__file__).parent / "verbs" / "systemd-run-257.txt"
MINUTE = 60


def normalise(text):
    """What cannot be the same twice. systemd-run often does not get to know the invocation, which it asks for late."""
    for pattern, replacement in (
            (r"run-p\d+-i\d+", "run-ID"),
            (r"(?m)^(Running as unit: .*); invocation ID: [0-9a-f]{32}$", r"\1"),
            (r"(?m)^(Service runtime|CPU time consumed): .*\n", ""),
            (r"(?m)^Memory peak: .*\n", ""),
            (r"(?m)^Or \"reeve why.*\n", "")):
        text = re.sub(pattern, replacement, text)
    return text


def recorded():
    for part in TRANSCRIPT.read_text().split("=== ")[1:]:
        command, _, expected = part.partition("\n")
        yield command, expected


def test_systemd_run_does_what_systemd_run_did(reeve):
    test_verbs.install_units(reeve)
    wrong = []
    for command, expected in recorded():
        got = test_verbs.run(reeve, command)
        if normalise(got) != normalise(expected):
            wrong.append(f"{command}\nwanted:\n{expected}got:\n{got}")
    assert not wrong, f"{len(wrong)} commands differ:\n" + "\n".join(wrong)


def test_a_run_tells_what_became_of_it(reeve):
    done = reeve.run("reeve", "run", "--wait", "--unit=x", "sh", "-c", "exit 3")
    assert done.returncode == 3
    lines = done.stderr.splitlines()
    assert re.fullmatch(r"Running as unit: x\.service; invocation ID: [0-9a-f]{32}", lines[0])
    assert lines[1:3] == ["Finished with result: exit-code",
                          "Main processes terminated with: code=exited, status=3/NOTIMPLEMENTED"]
    assert lines[3].startswith("Service runtime: ")
    told = json.loads(reeve.ctl("run", "--json=short", "--unit=y", "true"))
    assert told["unit"] == "y.service" and re.fullmatch("[0-9a-f]{32}", told["invocation_id"])


def test_wrong_settings_are_refused_in_the_words_of_unit_files(reeve):
    def words(*arguments):
        done = reeve.run("reeve", "run", *arguments, "true")
        assert done.returncode == 1
        return done.stderr
    assert "did you mean MemoryMax=?" in words("-p", "MemoryMx=1G")
    assert words("-p", "Restart=alwyas").startswith("reeve run: Restart=alwyas: ")
    assert "RootImage=/x: directive not supported" in reeve.run(
        "reeve", "run", "--wait", "-p", "RootImage=/x", "true").stderr
    assert reeve.run("reeve", "run", "--scope", "true").returncode == 2
    assert "did you mean ListenStream=?" in words("--socket-property=ListenSteam=/x")
    assert "did you mean OnCalendar=?" in words("--on-active=1h", "--timer-property=OnCalender=daily")


def test_a_transient_unit_outlives_reload_and_reexec(reeve):
    reeve.ctl("run", "--unit=keep", "-p", "Environment=A=%n", "sleep", "1000")
    reeve.ctl("set-property", "--runtime", "keep", "CPUWeight=42")
    pid = reeve.show("keep", "MainPID")
    for verb in ("daemon-reload", "daemon-reexec"):
        reeve.ctl(verb)
        seen = reeve.show("keep", "MainPID", "ActiveState", "Transient", "Environment", "CPUWeight", "NeedDaemonReload",
                          "FragmentPath", "Description")
        assert seen == {"MainPID": pid, "ActiveState": "active", "Transient": "yes", "Environment": "A=%n",
                        "CPUWeight": "42", "NeedDaemonReload": "no",
                        "FragmentPath": "/run/systemd/transient/keep.service",
                        "Description": "[reeve run] /usr/bin/sleep 1000"}, verb
    text = reeve.ctl("cat", "keep")
    assert "[Service]\nEnvironment=A=%%n\n" in text and "50-CPUWeight.conf" in text
    reeve.ctl("stop", "keep")
    reeve.until(lambda: not reeve.path("/run/systemd/transient/keep.service").exists(), MINUTE)
    reeve.until(lambda: not reeve.path("/run/systemd/transient/keep.service.d").exists(), MINUTE)
    assert reeve.run("reeve", "is-active", "keep").returncode == 4


def test_descriptors_of_the_caller_outlive_reexec(reeve):
    """The second command of the unit writes to the pipe that the manager before the re-exec was given."""
    run = reeve.machine.start(["reeve", "run", "-q", "--pipe", "--unit=p", "-p", "ExecStopPost=/bin/echo post", "sh",
                               "-c", "echo main; exec sleep 1000"])
    assert run.stdout.readline() == b"main\n"
    reeve.ctl("daemon-reexec")
    reeve.ctl("kill", "-s", "KILL", "--kill-whom=main", "p")
    assert run.stdout.readline() == b"post\n"
    assert run.stdout.read() == b"", "the manager has let go of the pipe"
    # Who waits for the end goes on waiting, and hears of it.
    assert run.wait(timeout=MINUTE) == 255


def on_terminal(reeve, *argv, talk=()):
    """Run on a terminal; `talk` are (wait for this, type that). Returns all output and the exit status."""
    master, slave = terminal()
    process = reeve.machine.start(list(argv), stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    seen, talk, end = "", list(talk), time.monotonic() + MINUTE
    while time.monotonic() < end:
        if talk and talk[0][0] in seen.replace("\r", ""):
            os.write(master, talk.pop(0)[1].encode())
        if not select.select([master], [], [], 0.1)[0]:
            continue
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data.decode(errors="replace")
    os.close(master)
    return seen.replace("\r", ""), process.wait(timeout=MINUTE)


def test_a_terminal_of_its_own(reeve):
    seen, status = on_terminal(reeve, "reeve", "run", "--pty", "--uid=daemon", "sh", "-c",
                               "tty; echo name; read name; echo hello $$name; exit 4",
                               talk=[("name\n", "reeve\n")])
    assert status == 4, seen
    assert "/dev/pts/" in seen and "hello reeve" in seen and "Press ^] three times" in seen
    # The terminal is the controlling one: ^C reaches the shell, and not the client.
    seen, status = on_terminal(reeve, "reeve", "run", "-q", "-t", "sh", "-c",
                               "trap 'echo interrupted; exit 6' INT; echo ready; while :; do sleep 0.1; done",
                               talk=[("ready\n", "\x03")])
    assert (status, "interrupted" in seen) == (6, True), seen
    # Let go: the service stays.
    seen, status = on_terminal(reeve, "reeve", "run", "-q", "-t", "--unit=stay", "sh", "-c",
                               "trap '' HUP; echo ready; exec sleep 1000", talk=[("ready\n", "\x1d\x1d\x1d")])
    assert status == 0, seen
    assert reeve.show("stay", "ActiveState") == "active"


def test_in_the_context_of_another_unit(reeve):
    reeve.write("app.service", """
        [Service]
        User=daemon
        Environment=COLOUR=green "SPACE=a b"
        WorkingDirectory=/usr
        RuntimeDirectory=app
        StateDirectory=app
        UMask=0027
        LimitNOFILE=123
        PrivateTmp=yes
        ReadOnlyPaths=/var/lib
        Nice=3
        ExecStart=/bin/sh -c 'echo shared >/tmp/of-the-unit; exec sleep 1000'
        [Install]
        WantedBy=multi-user.target
    """)
    reeve.ctl("daemon-reload")
    reeve.ctl("start", "app")
    script = ('id -un; echo "$$COLOUR $$SPACE"; pwd; umask; ulimit -n; nice; cat /tmp/of-the-unit; '
              'touch /var/lib/x 2>&1; echo $$STATE_DIRECTORY')
    reeve.until(lambda: "shared" in reeve.run("reeve", "run", "-q", "-P", "--like", "app", "cat",
                                              "/tmp/of-the-unit").stdout, MINUTE)
    done = reeve.run("reeve", "run", "-q", "-P", "--like=app.service", "sh", "-c", script)
    assert done.stdout.splitlines() == [
        "daemon", "green a b", "/usr", "0027", "123", "3", "shared",
        "touch: cannot touch '/var/lib/x': Read-only file system", "/var/lib/app"], done
    assert reeve.path("/run/app").is_dir(), "the folder is the unit's own"
    # Its own settings come after those of the unit; a shell where there is no command.
    done = reeve.run("reeve", "run", "-q", "-P", "--like", "app", "--uid=root", "-E", "COLOUR=red", "sh", "-c",
                     "id -un; echo $$COLOUR")
    assert done.stdout.splitlines() == ["root", "red"], done
    seen, status = on_terminal(reeve, "reeve", "run", "-q", "--like", "app",
                               talk=[("$", "id -un; exit 9\n")])
    assert status == 9 and "daemon" in seen, seen
    done = reeve.run("reeve", "run", "--like", "nosuch", "true")
    assert (done.returncode, done.stderr) == (
        1, "Failed to start transient service unit: Unit nosuch.service not found.\n")


def test_later(reeve):
    done = reeve.run("reeve", "run", "--on-active=1h", "--timer-property=AccuracySec=1s", "--unit=later", "-p", "Nice=3",
                     "touch", "/tmp/done")
    assert (done.returncode, done.stderr) == (0, "Running timer as unit: later.timer\n"
                                                 "Will run service as unit: later.service\n")
    assert reeve.show("later.timer", "Transient", "ActiveState", "RemainAfterElapse", "Unit") == {
        "Transient": "yes", "ActiveState": "active", "RemainAfterElapse": "no", "Unit": "later.service"}
    assert reeve.show("later.service", "Transient", "ActiveState", "Nice") == {
        "Transient": "yes", "ActiveState": "inactive", "Nice": "3"}
    reeve.ctl("daemon-reload")
    reeve.ctl("daemon-reexec")
    assert reeve.show("later.timer", "ActiveState") == "active"
    reeve.ctl("start", "later.service")
    reeve.until(lambda: reeve.path("/tmp/done").exists(), MINUTE)
    reeve.ctl("stop", "later.timer")
    reeve.until(lambda: not list(reeve.path("/run/systemd/transient").glob("later*")), MINUTE)

    reeve.ctl("run", "--on-active=50ms", "--timer-property=AccuracySec=1ms", "--unit=soon", "touch", "/tmp/soon")
    reeve.until(lambda: reeve.path("/tmp/soon").exists(), MINUTE)
    reeve.until(lambda: not list(reeve.path("/run/systemd/transient").glob("soon*")), MINUTE)

    reeve.ctl("run", "--path-property=PathExists=/tmp/flag", "--unit=watch", "mv", "/tmp/flag", "/tmp/taken")
    reeve.path("/tmp/flag").touch()
    reeve.until(lambda: reeve.path("/tmp/taken").exists(), MINUTE)


ANSWER = "import socket; s = socket.socket(fileno=3); c, _ = s.accept(); c.send(b'hello'); c.close(); s.accept()"
ASK = "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/ask'); print(s.recv(9).decode())"


def test_when_somebody_connects(reeve):
    reeve.ctl("run", "--unit=ask", "--socket-property=ListenStream=/run/ask", "/usr/bin/python3", "-c", ANSWER)
    assert reeve.show("ask.service", "ActiveState") == "inactive"
    reeve.ctl("daemon-reload")
    reeve.ctl("daemon-reexec")
    assert reeve.run("/usr/bin/python3", "-c", ASK).stdout == "hello\n"
    assert reeve.show("ask.service", "ActiveState") == "active"
    assert reeve.show("ask.socket", "SubState") == "running"
    reeve.ctl("stop", "ask.socket", "ask.service")
    reeve.until(lambda: not list(reeve.path("/run/systemd/transient").glob("ask*")), MINUTE)


def test_many_at_once_have_files_of_their_own(reeve):
    """Two files may come in one tick of the clock that the folder's time stamp is of."""
    runs = [reeve.machine.start(["reeve", "run", "--wait", "-q", f"--unit=many{i}", "sh", "-c", f"exit {i}"])
            for i in range(1, 21)]
    assert [run.wait(timeout=MINUTE) for run in runs] == list(range(1, 21))


@pytest.mark.machine(cgroup=False)
def test_without_cgroups(reeve):
    done = reeve.run("reeve", "run", "--pipe", "-q", "sh", "-c", "echo hi; exit 3")
    assert (done.returncode, done.stdout) == (3, "hi\n")
    reeve.ctl("run", "--unit=keep", "sleep", "1000")
    reeve.ctl("daemon-reexec")
    assert reeve.show("keep", "ActiveState") == "active"
