"""The verbs of systemctl, against what systemctl of systemd 257 did with the same units.

verbs/systemctl-257.txt has one command after the other, each with its exit status, standard output
and standard error as systemctl gave them on a machine with the units of verbs/units/; they are run
here in the same order, on one machine. "--- not compared" stands for a command that is needed for
those behind it, but whose output is the machine's own, or differs on purpose."""
import json
import pathlib
import re
import socket

import pytest

VERBS = pathlib.Path(__file__).parent / "verbs"
SKIPPED = "--- not compared\n"


def recorded(name):
    """(command, expected text or None), in order."""
    parts = (VERBS / name).read_text().split("=== ")[1:]
    for part in parts:
        command, _, expected = part.partition("\n")
        yield command, None if expected == SKIPPED else expected


def normalise(text):
    """Takes out what cannot be the same twice, and the line that is reeve's own."""
    for pattern, replacement in (
            (r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "TIME"),
            (r"\b[0-9a-f]{32}\b", "ID"),
            (r"\bpid=[1-9]\d*", "pid=N"),
            (r"TIME; \S+ ago", "TIME; SPAN ago"),
            (r"(Process|Main PID): \d+", r"\1: N"),
            (r"(?m)^ *(CPU|Duration|Tasks|Memory|Invocation): .*\n", ""),
            (r"(?m)^[A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d .*\n", ""), # lines of the journal come when they come
            (r"(?m)^Or \"reeve why.*\n", "")):
        text = re.sub(pattern, replacement, text)
    return text


def run(reeve, command):
    done = reeve.run("env", "COLUMNS=100", "sh", "-c", command)
    text = f"--- rc={done.returncode}\n{done.stdout}"
    return text + (f"--- stderr\n{done.stderr}" if done.stderr else "")


def install_units(reeve):
    folder = VERBS / "units"
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        target = reeve.path(f"/etc/systemd/system/{name}")
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            target.symlink_to(path.readlink())
        elif path.is_file():
            target.write_text(path.read_text())
    reeve.ctl("daemon-reload")


@pytest.mark.parametrize("transcript", ["systemctl-257.txt", "automation-257.txt"])
def test_systemctl_does_what_systemctl_did(reeve, transcript):
    """The second one: what Ansible, Puppet, Chef and Debian's maintainer scripts say to systemctl."""
    install_units(reeve)
    wrong = []
    for command, expected in recorded(transcript):
        got = run(reeve, command)
        if expected is not None and normalise(got) != normalise(expected):
            wrong.append(f"{command}\nwanted:\n{expected}got:\n{got}")
    assert not wrong, f"{len(wrong)} commands differ:\n" + "\n".join(wrong)


def test_status_shows_what_a_service_is_doing(reeve):
    reeve.write("talker.service", """
        [Unit]
        Description=A talker
        [Service]
        Type=notify
        NotifyAccess=all
        ExecStart=/bin/sh -c 'echo one; echo two; systemd-notify --ready --status=Talking; exec sleep 1000'
    """)
    reeve.ctl("start", "talker")
    reeve.until(lambda: "(sleep)" in reeve.ctl("status", "talker"))
    text = reeve.ctl("status", "talker")
    assert text.startswith("● talker.service - A talker\n")
    assert re.search(r"^     Active: active \(running\) since .*; .* ago$", text, re.M), text
    assert re.search(r"^   Main PID: \d+ \(sleep\)$", text, re.M), text
    assert '     Status: "Talking"' in text
    assert re.search(r"└─\d+ sleep 1000$", text, re.M), text
    reeve.until(lambda: re.search(r": two$", reeve.ctl("status", "talker"), re.M))


def test_status_shows_the_last_lines_of_the_unit_alone(reeve):
    reeve.write("one.service", "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'echo one 1; echo one 2; echo one 3'\n")
    reeve.write("two.service", "[Service]\nType=oneshot\nExecStart=/bin/echo two\n")
    reeve.ctl("start", "one")
    reeve.ctl("start", "two")
    reeve.ctl("start", "one")
    reeve.ctl("start", "two")
    reeve.ctl("log", "--sync")
    for options, expected in ((("-n", "3"), ["one 3", "one.service: Deactivated successfully.", "Finished one.service."]), (("-n", "0"), [])):
        shown = reeve.run("reeve", "status", "-o", "cat", *options, "one").stdout
        assert shown.splitlines()[-4:] == ["", *expected] if expected else "one 3" not in shown
        assert "two" not in shown


def test_status_of_all_has_each_process_once(reeve):
    """A slice has those of the units in it, too."""
    reeve.write("in-a.slice", "[Slice]\n")
    reeve.write("sliced.service", "[Service]\nSlice=in-a.slice\nExecStart=/bin/sleep 1000\n")
    reeve.ctl("start", "in-a.slice", "sliced")
    processes = json.loads(reeve.ctl("status", "-o", "json"))["processes"]
    found = [p["pid"] for p in processes]
    assert len(found) == len(set(found)), processes
    pid = int(reeve.ctl("show", "--value", "-p", "MainPID", "sliced"))
    where = [p["cgroup"] for p in processes if p["pid"] == pid]
    assert where == ["/in.slice/in-a.slice/sliced.service" if reeve.machine.has_cgroup else "sliced.service"]


def test_status_tells_the_step_that_failed(reeve):
    reeve.write("lost.service", """
        [Service]
        Type=exec
        WorkingDirectory=/no/such/folder
        ExecStart=/bin/true
    """)
    done = reeve.run("reeve", "start", "lost")
    assert done.returncode == 1
    assert done.stderr.startswith("Job for lost.service failed because the control process exited "
                                  "with error code.\n")
    done = reeve.run("reeve", "status", "lost")
    assert done.returncode == 3
    assert "status=200/CHDIR" in done.stdout
    assert "/no/such/folder" in done.stdout


def test_lists_are_json_too(reeve):
    reeve.write("a.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    reeve.ctl("start", "a")
    units = json.loads(reeve.ctl("list-units", "-o", "json", "a.service"))
    assert units == [{"unit": "a.service", "load": "loaded", "active": "active", "sub": "running",
                      "description": "a.service"}]
    properties = json.loads(reeve.ctl("show", "-o", "json", "a"))
    assert properties["MainPID"] > 1 and properties["ActiveState"] == "active"
    status = json.loads(reeve.ctl("status", "-o", "json", "a"))
    assert [p["role"] for p in status["processes"]] == ["main"]
    files = json.loads(reeve.ctl("list-unit-files", "-o", "json", "a.service"))
    assert files == [{"unit_file": "a.service", "state": "static", "preset": None}]
    assert json.loads(reeve.ctl("list-jobs", "-o", "json")) == []
    assert "PATH" in json.loads(reeve.ctl("show-environment", "-o", "json"))


# As systemctl of 257 has them.
LEFT = {"6d": "5 days", "100d": "3 months 8 days", "26h": "1 day 1h", "500d": "1 year 4 months", "31d": "1 month 0 days",
        "2h": r"1h 5\dmin", "19h": "18h"}


def test_what_is_left_of_timers(reeve):
    for span in LEFT:
        reeve.write(f"t{span}.timer", f"[Timer]\nOnActiveSec={span}\nUnit=x.service\n")
    reeve.write("x.service", "[Service]\nExecStart=/bin/true\n")
    reeve.ctl("daemon-reload")
    reeve.ctl("start", *(f"t{span}.timer" for span in LEFT))
    text = reeve.ctl("list-timers")
    for span, left in LEFT.items():
        assert re.search(rf"^\w+ \S+ \S+ \S+ +{left} - +- t{span}.timer +x.service$", text, re.M), (span, text)


def test_show_prints_properties_of_systemd_alone(reeve):
    """No settings that are none, and lists of "all but nothing" with --all only."""
    reeve.write("s.socket", "[Socket]\nListenStream=/run/s\nService=x.service\n")
    reeve.write("x.service", "[Service]\nExecStart=/bin/true\n")
    reeve.ctl("daemon-reload")
    text = reeve.run("systemctl", "show", "s.socket", "x.service").stdout
    assert not re.search("^(Service|PermissionsStartOnly|SystemCallFilter|RestrictFileSystems)=", text, re.M)
    assert "Triggers=x.service" in text
    assert reeve.run("systemctl", "show", "--all", "-p", "SystemCallFilter", "x.service").stdout == "SystemCallFilter=~\n"


def test_times_of_the_manager_are_kept(reeve):
    def times():
        text = reeve.ctl("show", "--all")
        return {k.removesuffix("TimestampMonotonic"): int(v) for k, v in (line.split("=", 1) for line in text.splitlines() if "=" in line)
                if k.endswith("TimestampMonotonic")}
    reeve.until(lambda: times()["Finish"], timeout=60)
    first = times()
    order = ["Userspace", "GeneratorsStart", "GeneratorsFinish", "UnitsLoadStart", "UnitsLoadFinish", "Finish"]
    assert 0 < first["Userspace"] and sorted(order, key=first.get) == order, first
    assert first["UnitsLoad"] == 0
    reeve.ctl("daemon-reload")
    reloaded = times()
    assert reloaded["UnitsLoad"] > first["Finish"]
    jobs = int(reeve.ctl("show", "-P", "NInstalledJobs"))
    reeve.ctl("daemon-reexec")
    assert times() == reloaded
    assert int(reeve.ctl("show", "-P", "NInstalledJobs")) == jobs > 0


def test_settings_of_the_manager(reeve):
    """As systemd 257 does it: what is asked for by request outlives a reload; reloads and re-executions count together."""
    conf = "/etc/systemd/system.conf.d/x.conf"
    reeve.write(conf, "[Manager]\nLogLevel=debug\nSystemCallArchitectures=native\n")
    reeve.ctl("daemon-reload")
    assert reeve.ctl("log-level") == "debug\n"
    reeve.ctl("daemon-reexec")
    assert reeve.ctl("log-level") == "debug\n"
    reeve.ctl("log-level", "notice")
    reeve.write(conf, "[Manager]\nReloadLimitIntervalSec=1h\nReloadLimitBurst=2\n")
    reeve.ctl("daemon-reload")
    assert reeve.ctl("log-level") == "notice\n" and reeve.ctl("show", "-P", "LogLevel") == "notice\n"
    for _ in range(2):
        reeve.ctl("daemon-reload")
    refused = reeve.run("reeve", "daemon-reload")
    assert refused.returncode == 1 and refused.stderr == "Reload daemon failed: Reload() request rejected due to rate limit.\n"
    refused = reeve.run("reeve", "daemon-reexec")
    assert refused.returncode == 1 and refused.stderr == "Reexecute daemon failed: Reexecute() request rejected due to rate limit.\n"
    assert reeve.ctl("log-level") == "notice\n"
    # What is not implemented is said.
    assert "x.conf:3: SystemCallArchitectures=: the setting is not implemented" in reeve.machine.log.read_text()


def test_wait_ends_when_the_unit_has(reeve):
    reeve.write("short.service", "[Service]\nExecStart=/bin/sh -c 'read x </run/gate; exit 7'\n")
    reeve.run("mkfifo", "/run/gate")
    opener = reeve.run("sh", "-c", "(reeve start --wait short; echo $? >/run/status) & "
                                   "echo go >/run/gate; wait; cat /run/status")
    assert opener.stdout == "1\n", opener


def test_show_transaction_names_what_was_queued(reeve):
    reeve.write("one.service", "[Unit]\nWants=two.service\n[Service]\nExecStart=/bin/sleep 1000\n")
    reeve.write("two.service", "[Service]\nExecStart=/bin/sleep 1000\n")
    text = reeve.run("systemctl", "start", "-T", "one").stderr
    assert re.search(r"^Enqueued anchor job \d+ one.service/start\.$", text, re.M), text
    assert re.search(r"^Enqueued auxiliary job \d+ two.service/start\.$", text, re.M), text
    assert "Job for one.service finished.\n" in text


def test_only_some_may_change_things(reeve):
    reeve.write("a.service", "[Service]\nEnvironment=SECRET=x\nExecStart=/bin/sleep 1000\n")
    as_nobody = ("setpriv", "--reuid=12345", "--regid=12345", "--clear-groups")
    done = reeve.run(*as_nobody, "systemctl", "start", "a")
    assert done.returncode == 4
    assert done.stderr.startswith("Failed to start a.service: Access denied\n")
    assert reeve.run(*as_nobody, "systemctl", "is-active", "a").stdout == "inactive\n"
    show = reeve.run(*as_nobody, "systemctl", "show", "a").stdout
    assert "ActiveState=inactive" in show and "SECRET" not in show
    done = reeve.run(*as_nobody, "systemctl", "show-environment")
    assert done.returncode == 1 and "Access denied" in done.stderr


def call(connection, message):
    connection.sendall(json.dumps(message).encode() + b"\0")
    data = b""
    while not data.endswith(b"\0"):
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    return json.loads(data[:-1])


def connect(reeve):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(str(reeve.path("/run/reeve/io.reeve.Manager")))
    return connection


def test_the_interface_describes_itself(reeve):
    connection = connect(reeve)
    info = call(connection, {"method": "org.varlink.service.GetInfo"})["parameters"]
    assert info["interfaces"] == ["org.varlink.service", "io.reeve.Manager"]
    text = call(connection, {"method": "org.varlink.service.GetInterfaceDescription",
                             "parameters": {"interface": "io.reeve.Manager"}})
    text = text["parameters"]["description"]
    assert "interface io.reeve.Manager\n" in text
    assert re.search(r"^method ListUnits\(.*\) -> \(unit: \?Unit\)$", text, re.M)


GARBAGE = {
    "empty": b"\0", "words": b"nonsense\0", "no-method": b"{}\0", "deep": b"[" * 100000 + b"\0",
    "wrong-type": b'{"method":"io.reeve.Manager.ListJobs","parameters":[]}\0',
    "endless": b"x" * (3 << 20),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE.keys())
def test_garbage_costs_its_connection_only(reeve, garbage):
    bad, good = connect(reeve), connect(reeve)
    try:
        bad.sendall(garbage)
        assert bad.recv(1) == b""
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert call(good, {"method": "io.reeve.Manager.ListJobs"})["parameters"] == {"jobs": []}


def test_completion_scripts_are_scripts(reeve):
    done = reeve.run("sh", "-c", "reeve completion bash >/run/c && bash -n /run/c")
    assert done.returncode == 0, done.stderr
    assert reeve.run("reeve", "completion", "tcsh").returncode == 2
