"""`reeve why`: the shape of its reports, its exit statuses, and what it says to those who may not see everything."""
import json
import os
import signal

import why_report


def why(reeve, *arguments, user=None):
    words = ["reeve", "why", "-o", "json", *arguments]
    if user:
        words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *words]
    done = reeve.run(*words)
    report = json.loads(done.stdout)
    for one in report if isinstance(report, list) else [report]:
        assert why_report.complaints(one) == [], done.stdout
    return report, done.returncode


def fail(reeve, unit, *lines):
    reeve.write(unit, "\n".join(["[Service]", *lines, ""]))
    reeve.ctl("daemon-reload")
    reeve.ctl("start", unit, check=False)
    reeve.wait(unit, timeout=30, ActiveState="failed")


def test_reports_are_as_promised(reeve):
    fail(reeve, "gone.service", "User=nobody-of-that-name", "ExecStart=/bin/sleep infinity")
    fail(reeve, "killed.service", "Type=oneshot", "ExecStartPre=/bin/true", "ExecStart=/bin/sh -c 'kill -SEGV $$$$'")
    fail(reeve, "secretive.service", "ExecStart=/bin/sh -c 'exit 42'")
    reeve.write("well.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    reeve.write("odd.service", "[Service]\nExecStart=relative/path\n")
    reeve.ctl("daemon-reload")
    reeve.ctl("start", "well.service")

    report, status = why(reeve, "gone.service")
    assert (report["cause"]["id"], status) == ("user-missing", 0)
    assert report["timeline"][0]["step"] == "USER"
    report, status = why(reeve, "--again=no", "killed.service")
    assert report["state"]["exit"]["signal"] == "SIGSEGV" and report["state"]["exit"]["status"] is None
    assert (report["cause"]["id"], status) == ("crash-signal", 0)
    report, status = why(reeve, "secretive.service")
    assert (report["cause"]["id"], status) == ("unknown", 1)
    report, status = why(reeve, "well.service")
    assert (report["cause"], report["state"]["active"], status) == (None, "active", 0)
    report, status = why(reeve, "odd.service")
    assert (report["cause"]["id"], status) == ("exec-relative", 0)
    report, status = why(reeve, "gonne.service")
    assert (report["cause"]["id"], status) == ("unit-not-found", 4)
    assert "gone.service" in json.dumps(report["cause"])
    reports, _ = why(reeve, "--again=no")
    assert {one["unit"] for one in reports} == {"gone.service", "killed.service", "secretive.service"}


def test_the_line_that_counts_and_the_one_that_does_not(reeve):
    reeve.write("moved.service.d/50-place.conf", "[Service]\nWorkingDirectory=/srv/moved-away\n")
    fail(reeve, "moved.service", "ExecStart=/bin/sleep infinity", "WorkingDirectory=/srv")
    report, _ = why(reeve, "moved.service")
    assert report["cause"]["id"] == "workdir-missing"
    texts = [e["text"] for e in report["cause"]["evidence"] if e["source"] == "unit"]
    assert "/etc/systemd/system/moved.service.d/50-place.conf:2: WorkingDirectory=/srv/moved-away " \
           "(in place of /etc/systemd/system/moved.service:3)" in texts


def test_a_signal_from_outside_is_no_stop(reeve):
    """SIGTERM is a clean end: systemctl shows a unit that is merely inactive. Its signal is kept while the unit is loaded,
    as what an active unit wants is."""
    reeve.write("keeper.service", "[Unit]\nWants=ended.service stopped.service\n[Service]\nExecStart=/bin/sleep infinity\n")
    for name in ("ended", "stopped"):
        reeve.write(f"{name}.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    reeve.ctl("daemon-reload")
    reeve.ctl("start", "keeper.service", "ended.service", "stopped.service")
    reeve.run("kill", reeve.show("ended.service", "MainPID"))
    reeve.ctl("stop", "stopped.service")
    reeve.wait("ended.service", timeout=30, ActiveState="inactive", Result="success")
    report, status = why(reeve, "--again=no", "ended.service")
    assert (report["cause"]["id"], status) == ("killed-by-outsider", 0)
    assert report["state"]["exit"]["signal"] == "SIGTERM"
    report, status = why(reeve, "--again=no", "stopped.service")
    assert (report["cause"], status) == (None, 0)


def test_without_a_manager(reeve):
    """A unit's files alone: in a namespace that has no socket of the manager's."""
    reeve.write("alone.service", "[Service]\nUser=nobody-of-that-name\nExecStart=/bin/sleep infinity\n")
    done = reeve.run("unshare", "-m", "sh", "-c", "mount -t tmpfs tmpfs /run && reeve why -o json alone.service")
    report = json.loads(done.stdout)
    assert why_report.complaints(report) == []
    assert any(line.startswith("manager: ") for line in report["blind"])


def test_a_manager_that_gives_no_answer(reeve):
    """A unit that nobody could ask about is not said to be well: so it is for users where systemd has no D-Bus."""
    reeve.write("silent.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    done = reeve.run("unshare", "-m", "sh", "-c",
                     "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && reeve why -o json silent.service")
    report = json.loads(done.stdout)
    assert why_report.complaints(report) == []
    assert (report["cause"]["id"], done.returncode) == ("unknown", 1)
    assert [line for line in report["blind"] if line.startswith("manager: ") and "no answer" in line]


def test_a_manager_that_hangs(reeve):
    """It is asked once, whatever else there is to be told, and nothing is run once more."""
    fail(reeve, "first.service", "Wants=second.service", "ExecStart=/usr/local/sbin/not-installed")
    fail(reeve, "second.service", "ExecStart=/bin/sh -c 'exit 42'")
    pid = reeve.machine.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        everything = reeve.run("timeout", "60", "reeve", "why")
        done = reeve.run("timeout", "60", "reeve", "why", "-o", "json", "--again", "first.service", "second.service")
        tried = reeve.run("timeout", "60", "reeve", "try", "second.service")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert everything.returncode == 1 and "no manager gives an answer" in everything.stderr
    first, second = json.loads(done.stdout)
    assert first["cause"]["id"] == "exec-not-found"
    assert second["cause"]["id"] == "unknown"
    for one in first, second:
        assert [line for line in one["blind"] if line.startswith("manager: ") and "no answer" in line]
        assert [line for line in one["blind"] if line == "a traced rerun: the manager gives no answer"]
    assert tried.returncode == 1 and "the manager gives no answer" in tried.stderr


def test_names_that_are_none(reeve):
    """A pattern is not handed to a manager, which would start all that it matches."""
    fail(reeve, "dotted8.2-fpm.service", "ExecStart=/usr/local/sbin/not-installed")
    report, status = why(reeve, "dotted8.2-fpm")
    assert (report["unit"], report["cause"]["id"], status) == ("dotted8.2-fpm.service", "exec-not-found", 0)
    for name, said in (("*", "patterns are not taken"), ("dotted?", "patterns are not taken"),
                       ("", "is not the name of a unit"), ("a/b.service/", "no unit")):
        done = reeve.run("reeve", "why", name)
        assert done.returncode in (2, 4) and said in done.stdout + done.stderr, (name, done)
    assert reeve.ctl("is-failed", "dotted8.2-fpm").strip() == "failed"


def test_what_is_no_program(reeve):
    reeve.run("sh", "-c", "mkdir /srv/app && mkfifo -m 755 /srv/pipe")
    for path, said in (("/srv/app", "is a folder, not a program"), ("/srv/pipe", "is no regular file, not a program"),
                       ("/dev/null", "is a device, not a program")):
        fail(reeve, "noprogram.service", f"ExecStart={path}")
        report, status = why(reeve, "--again=no", "noprogram.service")
        assert (report["cause"]["id"], status) == ("exec-not-executable", 0), path
        assert report["cause"]["summary"] == f"{path} {said}"
        reeve.ctl("reset-failed", "noprogram.service")


def test_a_file_that_cannot_be_read(reeve):
    reeve.write("torn.service", "[Service\nExecStart=/bin/true\n")
    reeve.run("ln", "-s", "circle.service", "/etc/systemd/system/circle.service")
    reeve.ctl("daemon-reload")
    for unit, said in (("torn.service", 'torn.service:1: the section header has no "]"'),
                       ("circle.service", "/etc/systemd/system/circle.service: the file cannot be read")):
        report, status = why(reeve, unit)
        assert (report["cause"]["id"], status) == ("unit-refused", 0)
        assert said in json.dumps(report["cause"]["evidence"]).replace('\\"', '"')


def test_a_rerun_that_does_not_stop(reeve):
    """Who asks does not wait for TimeoutStopSec=."""
    reeve.write("stays.service", """
        [Service]
        ExecStart=/bin/sh -c 'trap "" TERM; [ -e /run/flag ] || { >/run/flag; exit 1; }; while :; do sleep 1; done'
        TimeoutStopSec=infinity
    """)
    reeve.ctl("start", "stays")
    reeve.wait("stays.service", timeout=30, ActiveState="failed")
    done = reeve.run("timeout", "120", "reeve", "why", "-o", "json", "stays")
    report = json.loads(done.stdout)
    if not report["blind"]:  # else it may not be traced here
        reeve.wait("stays.service", timeout=30, ActiveState="failed")


def test_a_user_is_told_what_could_not_be_seen(reeve):
    fail(reeve, "mute.service", "ExecStart=/bin/sh -c 'echo the secret is out; exit 3'")
    fail(reeve, "lost.service", "ExecStart=/usr/local/sbin/not-installed")

    report, status = why(reeve, "mute.service", user=65534)
    assert (report["cause"]["id"], status) == ("unknown", 1)
    assert "the secret is out" not in json.dumps(report)
    assert [line for line in report["blind"] if line.startswith("journal: ") and "systemd-journal" in line]
    assert report["state"]["exit"]["status"] == 3

    # What the manager shows to everybody, and a look at the machine, are enough for this one.
    report, status = why(reeve, "lost.service", user=65534)
    assert (report["cause"]["id"], status) == ("exec-not-found", 0)
    assert "/usr/local/sbin/not-installed" in report["cause"]["summary"]
    done = reeve.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "reeve", "why", "mute.service")
    assert "blind" in done.stdout and "journal: nothing readable" in done.stdout and "as root" in done.stdout, done.stdout
    assert reeve.run("setpriv", "--reuid=65534", "--clear-groups", "reeve", "why", "--again", "mute.service").returncode == 1
