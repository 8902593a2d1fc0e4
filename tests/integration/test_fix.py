"""`reeve why --try-fix`: a fix is tried in a copy of the machine, which stays as it was."""
import json

import pytest

STATE = r"""
find /etc /run /usr/local -xdev -printf '%p %m %u %g %l\n' | grep -v -e ^/run/log -e ^/run/reeve/journal
cut -d' ' -f4,5,6,9- /proc/self/mountinfo
find /sys/fs/cgroup -type d
systemctl list-units --state=active,failed --plain --no-legend
awk '{print $2, $4}' /proc/net/tcp
"""

HOLDER = """
    [Service]
    ExecStart=/usr/bin/python3 -c 'import socket, time; s = socket.socket(); s.bind(("127.0.0.1", 18301)); s.listen(); time.sleep(3600)'
"""


def fail(reeve, unit):
    reeve.ctl("start", unit, check=False)
    reeve.wait(unit, timeout=30, ActiveState="failed")


def try_fix(reeve, unit):
    """The cause of the report, and whether the machine is as it was before."""
    before = set(reeve.run("sh", "-c", STATE).stdout.splitlines())
    done = reeve.run("reeve", "why", "--try-fix", "--again=no", "-o", "json", unit)
    if "overlay can be laid" in done.stdout or "namespaces cannot be made" in done.stdout:
        pytest.skip(f"no copy of a machine can be made here: {done.stdout}")
    after = set(reeve.run("sh", "-c", STATE).stdout.splitlines())
    assert before ^ after == set()
    report = json.loads(done.stdout)
    return report, [f for f in report["cause"]["fixes"] if f.get("verified")]


def test_a_command_is_tried_and_not_done(reeve):
    reeve.write("ingest.service", """
        [Service]
        User=ingest-try
        ExecStart=/bin/sleep infinity
    """)
    fail(reeve, "ingest.service")
    report, verified = try_fix(reeve, "ingest.service")
    assert report["cause"]["id"] == "user-missing"
    assert verified and verified[0]["command"].startswith("useradd ")
    assert reeve.run("grep", "ingest-try", "/etc/passwd").returncode == 1


def test_the_holder_of_a_port_is_stopped_in_the_copy_only(reeve):
    reeve.write("holder.service", HOLDER)
    reeve.write("late.service", HOLDER)
    reeve.ctl("start", "holder.service")
    pid = reeve.show("holder.service", "MainPID")
    reeve.until(lambda: reeve.run("grep", ":477D ", "/proc/net/tcp").returncode == 0, 30)
    fail(reeve, "late.service")
    report, verified = try_fix(reeve, "late.service")
    assert report["cause"]["id"] == "port-in-use"
    assert verified and "holder.service" in verified[0]["command"]
    assert reeve.show("holder.service", "MainPID") == pid


def test_a_fix_that_does_not_help_is_not_verified(reeve):
    reeve.write("two.service", """
        [Service]
        ExecStart=/usr/bin/two-program
    """)
    reeve.write("/usr/local/bin/two-program", "#!/bin/sh\nexit 3\n", mode=0o755)
    reeve.ctl("start", "two.service", check=False)
    report, verified = try_fix(reeve, "two.service")
    assert [f for f in report["cause"]["fixes"] if f["kind"] == "dropin"]
    assert not verified


def test_a_unit_that_runs_is_left_alone(reeve):
    reeve.write("runs.service", """
        [Service]
        ExecStart=/bin/sleep infinity
        ExecReload=/bin/false
    """)
    reeve.ctl("start", "runs.service")
    reeve.ctl("reload", "runs.service", check=False)
    done = reeve.run("reeve", "why", "--try-fix", "-o", "json", "runs.service")
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    if report["cause"]:
        assert any("the unit is active" in b for b in report["blind"])
    assert reeve.show("runs.service", "ActiveState") == "active"


def test_a_drop_in_is_applied_and_taken_back(reeve):
    reeve.write("prefix.service", """
        [Service]
        ExecStart=/usr/bin/prefix-program
    """)
    reeve.write("/usr/local/bin/prefix-program", "#!/bin/sh\nexec sleep infinity\n", mode=0o755)
    fail(reeve, "prefix.service")
    folder = reeve.path("/etc/systemd/system/prefix.service.d")
    asked = reeve.run("reeve", "why", "--apply", "--again=no", "prefix.service")
    if "can be laid" in asked.stdout or "cannot be made" in asked.stdout:
        pytest.skip(f"no copy of a machine can be made here: {asked.stdout}")
    assert asked.returncode == 1 and "--yes" in asked.stderr
    assert not folder.exists()

    reeve.ctl("why", "--apply", "--yes", "--again=no", "prefix.service")
    assert "/usr/local/bin/prefix-program" in (folder / "zz-reeve-fix.conf").read_text()
    reeve.wait("prefix.service", timeout=30, ActiveState="active")

    reeve.ctl("why", "--undo", "--yes", "prefix.service")
    assert not folder.exists()
    reeve.ctl("stop", "prefix.service")
    fail(reeve, "prefix.service")
    assert reeve.run("reeve", "why", "--undo", "--yes", "prefix.service").returncode == 1


def test_a_command_is_applied_and_taken_back(reeve):
    reeve.write("mode.service", """
        [Service]
        ExecStart=/usr/local/bin/mode-program
    """)
    program = reeve.path("/usr/local/bin/mode-program")
    reeve.write("/usr/local/bin/mode-program", "#!/bin/sh\nexec sleep infinity\n", mode=0o644)
    fail(reeve, "mode.service")
    done = reeve.run("reeve", "why", "--apply", "--yes", "--again=no", "mode.service")
    if "can be laid" in done.stdout or "cannot be made" in done.stdout:
        pytest.skip(f"no copy of a machine can be made here: {done.stdout}")
    assert done.returncode == 0, done.stderr
    reeve.wait("mode.service", timeout=30, ActiveState="active")
    assert program.stat().st_mode & 0o777 == 0o755
    reeve.ctl("why", "--undo", "--yes", "mode.service")
    assert program.stat().st_mode & 0o777 == 0o644


def test_status_and_start_say_the_cause(reeve):
    reeve.write("oneline.service", """
        [Service]
        Type=oneshot
        User=nobody-knows
        ExecStart=/bin/true
    """)
    started = reeve.run("reeve", "start", "oneline.service")
    assert started.returncode == 1
    assert "cause: user-missing: " in started.stderr
    assert "(reeve why oneline.service)" in started.stderr
    shown = reeve.run("reeve", "status", "oneline.service").stdout
    assert "Cause: user-missing: " in shown
    assert "Cause:" not in reeve.run("systemctl", "status", "oneline.service").stdout


def test_what_the_manager_refuses_is_mended_in_its_file(reeve):
    """A drop-in does not help: the manager refuses the unit for a value that is taken back as well."""
    text = "[Service]\nWorkingDirectory=~/bridge\nExecStart=/bin/sleep infinity\n"
    reeve.write("bridge.service", text)
    reeve.path("/root/bridge").mkdir(parents=True, exist_ok=True)
    reeve.ctl("daemon-reload")
    reeve.ctl("start", "bridge.service", check=False)
    done = reeve.run("reeve", "why", "--apply", "--yes", "--again=no", "bridge.service")
    if "can be laid" in done.stdout or "cannot be made" in done.stdout:
        pytest.skip(f"no copy of a machine can be made here: {done.stdout}")
    assert done.returncode == 0, done.stdout + done.stderr
    reeve.wait("bridge.service", timeout=30, ActiveState="active")
    assert "WorkingDirectory=%h/bridge\n" in reeve.path("/etc/systemd/system/bridge.service").read_text()
    reeve.ctl("why", "--undo", "--yes", "bridge.service")
    assert reeve.path("/etc/systemd/system/bridge.service").read_text() == text


def test_the_drop_in_of_a_dependency_is_its_own(reeve):
    reeve.write("lower.service", """
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/usr/bin/lower-program
    """)
    reeve.write("/usr/local/bin/lower-program", "#!/bin/sh\n", mode=0o755)
    reeve.write("upper.service", """
        [Unit]
        Requires=lower.service
        After=lower.service
        [Service]
        ExecStart=/bin/sleep infinity
    """)
    assert reeve.run("reeve", "start", "upper.service").returncode == 1
    report, verified = try_fix(reeve, "upper.service")
    assert report["cause"]["id"] == "dependency-failed"
    assert verified and verified[0]["unit"] == "lower.service"
    assert "/usr/local/bin/lower-program" in verified[0]["dropin"]
