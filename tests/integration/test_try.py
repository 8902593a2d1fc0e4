"""`reeve try`: the whole start, step by step, and what is left afterwards: nothing."""
import json
import subprocess

import pytest


def test_each_step_is_shown(reeve):
    reeve.write("steps.service", """
        [Service]
        Type=notify
        NotifyAccess=all
        ExecCondition=/bin/true
        ExecStartPre=/bin/sh -c 'echo checking'
        ExecStartPre=-/bin/false
        ExecStart=/bin/sh -c 'echo serving; reeve notify --ready; exec sleep infinity'
        ExecStartPost=/bin/echo posted
    """)
    done = reeve.run("reeve", "try", "--for=500ms", "-o", "json", "steps.service")
    assert done.returncode == 0, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    steps = {s["step"]: s for s in answer["steps"]}
    if "untraced" not in steps:
        assert [s for s in steps if s.startswith("Exec")] == \
            ["ExecCondition[0]", "ExecStartPre[0]", "ExecStartPre[1]", "ExecStartPost[0]"]
        assert "ignored" in steps["ExecStartPre[1]"]["text"]
        assert "set-up" in steps
    assert steps["ready"]["outcome"] == "ok"
    assert answer["report"]["cause"] is None
    reeve.wait("steps.service", timeout=30, ActiveState="inactive")


def test_output_is_shown_and_the_failure_explained(reeve):
    reeve.write("fails.service", """
        [Service]
        ExecStartPre=/bin/true
        ExecStart=/bin/sh -c 'echo about to fail; exec cat /etc/absent-file'
    """)
    done = reeve.run("reeve", "try", "fails.service")
    assert done.returncode == 1
    assert "| about to fail" in done.stdout
    assert "file-missing" in done.stdout and "/etc/absent-file" in done.stdout


def test_a_file_is_no_unit_afterwards(reeve):
    reeve.write("/tmp/loose.service", """
        [Service]
        ExecStart=/bin/sh -c 'exit 7'
    """)
    done = reeve.run("reeve", "try", "/tmp/loose.service")
    assert done.returncode == 1
    assert "exit 7" in done.stdout
    assert not reeve.path("/run/systemd/system/loose.service").exists()
    reeve.until(lambda: "loose" not in reeve.ctl("list-units", "--all"), 30)


def test_in_a_copy_nothing_is_left(reeve):
    reeve.write("writes.service", """
        [Service]
        Type=oneshot
        ExecStart=/bin/sh -c 'echo x >/srv/written; cat /srv/written'
    """)
    done = reeve.run("reeve", "try", "--copy", "writes.service")
    if "no copy of this machine" in done.stderr:
        pytest.skip(done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "| x" in done.stdout
    assert not reeve.path("/srv/written").exists()


def test_what_runs_or_reaches_further_is_left_alone(reeve):
    reeve.write("runs.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    reeve.ctl("start", "runs.service")
    pid = reeve.show("runs.service", "MainPID")
    done = reeve.run("reeve", "try", "runs.service")
    assert done.returncode == 1 and "--force" in done.stderr
    assert reeve.show("runs.service", "MainPID") == pid

    reeve.write("ends.service", """
        [Unit]
        FailureAction=exit
        [Service]
        ExecStart=/bin/false
    """)
    done = reeve.run("reeve", "try", "ends.service")
    assert done.returncode == 1 and "FailureAction=" in done.stderr
    assert reeve.run("reeve", "try", "no-such.service").returncode == 4
    assert reeve.run("reeve", "try").returncode == 2


CONTEXT = """
    [Service]
    User=daemon
    WorkingDirectory=/srv
    Environment=COLOUR=green
    UMask=0027
    LimitNOFILE=777
    PrivateTmp=yes
    ExecStartPre=/bin/touch /srv/touched
    ExecStart=/usr/bin/no-such-program
"""


def test_a_shell_in_the_context_of_the_unit(reeve):
    reeve.write("context.service", CONTEXT)
    done = reeve.run("reeve", "try", "--shell", "context.service", stdin=None,
                     input="echo is=$(id -un):$PWD:$COLOUR:$(umask):$(ulimit -n)\nexit\n")
    assert "is=daemon:/srv:green:0027:777" in done.stdout, done.stdout + done.stderr
    assert not reeve.path("/srv/touched").exists()
    assert list(reeve.path("/run/systemd/system").glob("reeve-shell*")) == []


def test_the_shell_is_compared_with_the_unit(reeve):
    reeve.write("context.service", CONTEXT)
    done = reeve.run("env", "ONLY_HERE=1", "reeve", "try", "--compare-shell", "-o", "json",
                     "context.service")
    found = {d["what"]: d for d in json.loads(done.stdout)["differences"]}
    assert found["$COLOUR"] == {"what": "$COLOUR", "shell": None, "unit": "green"}
    assert found["$ONLY_HERE"]["unit"] is None
    assert found["cwd"]["unit"] == "/srv"
    assert found["Umask"]["unit"] == "0027"
    assert found["Max open files"]["unit"].split()[0] == "777"
    assert "mount namespace" in found and "user namespace" not in found
    assert list(reeve.path("/run/systemd/system").glob("reeve-shell*")) == []


def test_interrupted_it_leaves_nothing(reeve):
    reeve.write("/tmp/slow.service", """
        [Service]
        Type=oneshot
        ExecStart=/bin/sleep infinity
    """)
    with subprocess.Popen([*reeve.machine.prefix, "reeve", "try", "/tmp/slow.service"],
                          stdout=subprocess.PIPE, text=True) as started:
        for line in started.stdout:
            if "/bin/sleep infinity" in line:
                break
        pids = reeve.run("pidof", "reeve").stdout.split()
        pid = next(p for p in pids if b"try" in reeve.path(f"/proc/{p}/cmdline").read_bytes().split(b"\0"))
        reeve.run("sh", "-c", f"kill -INT {pid}")
        started.stdout.read()
    assert not reeve.path("/run/systemd/system/slow.service").exists()
    reeve.until(lambda: "slow" not in reeve.ctl("list-units", "--all"), 30)
