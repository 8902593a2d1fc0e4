"""[X-Reeve]: probes that the manager's helper makes, what status, show and `reeve probe` say of them."""
import json
import pathlib
import shutil

import pytest

HERE = pathlib.Path(__file__).resolve().parent
DEADLINE = 60
SERVER = "/usr/bin/python3 /usr/local/bin/health_server.py 8080 /tmp/t"
QUICK = "HealthInterval=200ms\nHealthFailures=2\nHealthTimeout=2s\nHealthHold=0"


class Service:
    """The unit w.service, which runs health_server.py."""

    def __init__(self, reeve, service, health, go=True, exec_start=SERVER):
        self.reeve = reeve
        shutil.copy(HERE / "health_server.py", reeve.path("/usr/local/bin/health_server.py"))
        reeve.path("/tmp/t").mkdir()
        reeve.path("/tmp/t").chmod(0o755)
        if go:
            self.touch("go")
        reeve.write("w.service", "\n".join(["[Service]", f"ExecStart={exec_start}", service,
                                            "[X-Reeve]", health, ""]))
        reeve.ctl("start", *([] if go else ["--no-block"]), "w.service")

    def touch(self, name):
        self.reeve.path(f"/tmp/t/{name}").touch()

    def answer(self, text):
        self.reeve.path("/tmp/t/new").write_text(text)
        self.reeve.path("/tmp/t/new").rename(self.reeve.path("/tmp/t/answer"))

    def wait(self, **values):
        self.reeve.wait("w.service", timeout=DEADLINE, **values)

    def probe(self, *options):
        return self.reeve.run("reeve", "probe", *options, "w.service")


@pytest.mark.parametrize("cgroup", [
    pytest.param(True, marks=pytest.mark.machine(), id="cgroup"),
    pytest.param(False, marks=pytest.mark.machine(cgroup=False), id="holder")])
def test_a_start_waits_for_its_first_success(reeve, cgroup):
    """Type=notify of a program that knows nothing of it, and without NotifyAccess=all."""
    w = Service(reeve, "Type=notify\nWatchdogSec=60", f"HealthHTTP=http://127.0.0.1:8080/\n{QUICK}", go=False)
    w.wait(ReeveHealth="starting", ActiveState="activating")
    assert w.probe().returncode == 1
    assert w.probe("--live").returncode == 0
    w.touch("go")
    w.wait(ReeveHealth="healthy", ActiveState="active")
    assert w.probe().returncode == 0
    status = reeve.ctl("status", "w.service")
    assert "Health: ok http http://127.0.0.1:8080/: status 200 (" in status, status
    assert 'Status: "healthy: http ' in status, status
    assert "reeve-health" not in status, "the prober counts as a process of the service"
    assert reeve.run("pgrep", "-xc", "reeve-health").stdout.strip() == "1"
    told = json.loads(w.probe("-o", "json").stdout)
    assert [(u["unit"], u["active"], u["health"], u["ok"]) for u in told] == \
        [("w.service", "active", "healthy", True)]
    reeve.ctl("stop", "w.service")
    assert reeve.show("w.service", "Result") == "success"
    assert w.probe().returncode == 1
    reeve.until(lambda: reeve.run("pgrep", "-x", "reeve-health").returncode == 1, DEADLINE)


def test_not_ready_and_not_alive(reeve):
    w = Service(reeve, "Type=notify\nWatchdogSec=10s\nRestart=on-watchdog\nRestartSec=50ms\nLimitCORE=0",
                f"HealthHTTP=http://127.0.0.1:8080/ready,for=ready\nHealthTCP=127.0.0.1:8080,for=live\n{QUICK}")
    w.wait(ReeveHealth="healthy")
    w.answer("503")
    w.wait(ReeveHealth="not ready")
    assert w.probe().returncode == 1 and w.probe("--live").returncode == 0
    w.answer("200")
    w.wait(ReeveHealth="healthy")
    assert reeve.show("w.service", "NRestarts") == "0"
    pid = reeve.show("w.service", "MainPID")
    reeve.write("w.service", "\n".join([
        "[Service]", f"ExecStart={SERVER}", "Type=notify", "WatchdogSec=10s", "Restart=on-watchdog",
        "RestartSec=50ms", "LimitCORE=0", "[X-Reeve]", "HealthHTTP=http://127.0.0.1:8080/", QUICK]))
    reeve.ctl("daemon-reload")  # other probes from now on
    w.wait(ReeveHealth="healthy")
    reeve.run("kill", "-STOP", pid)
    reeve.until(lambda: int(reeve.show("w.service", "NRestarts")) > 0, DEADLINE)
    w.wait(ReeveHealth="healthy", ActiveState="active")
    assert reeve.show("w.service", "MainPID") != pid
    assert "Health: not alive: http" in reeve.ctl("log", "-u", "w.service", "-o", "cat")


def test_probes_are_made_where_the_service_is(reeve):
    """Its network, its user, its environment."""
    w = Service(reeve, "User=nobody\nPrivateNetwork=yes\nEnvironment=WHERE=here",
                f"HealthTCP=127.0.0.1:8080\nHealthListen=8080\nHealthLog=^started$,for=ready\n"
                f"HealthExec=sh -c 'echo $(id -un) $WHERE'\n{QUICK}")
    w.wait(ReeveHealth="healthy")
    answers = json.loads(w.probe("-o", "json").stdout)[0]["probes"]
    assert [a.rsplit(" (", 1)[0].replace("0.0.0.0", "127.0.0.1") for a in answers] == [
        "ok tcp 127.0.0.1:8080: accepts connections",
        "ok listen 8080: 127.0.0.1:8080 is open",
        "ok log ^started$: a line matches",
        "ok exec sh -c 'echo $(id -un) $WHERE': nobody here"]


def test_daemon_reexec_keeps_the_prober(reeve):
    w = Service(reeve, "", f"HealthExec=cat /tmp/t/go\n{QUICK}")
    w.wait(ReeveHealth="healthy")
    prober = reeve.run("pgrep", "-x", "reeve-health").stdout
    reeve.ctl("daemon-reexec")
    assert reeve.show("w.service", "ReeveHealth") == "healthy"
    assert reeve.run("pgrep", "-x", "reeve-health").stdout == prober
    reeve.path("/tmp/t/go").unlink()
    w.wait(ReeveHealth="not alive")
    reeve.run("kill", "-KILL", prober.strip())
    reeve.until(lambda: reeve.run("pgrep", "-x", "reeve-health").stdout not in ("", prober), DEADLINE)
    w.touch("go")
    w.wait(ReeveHealth="healthy")


def test_what_is_wrong_is_said(reeve):
    w = Service(reeve, "", "HealthInterval=soon\nHealthHTTP=here\nHealthLog=x,file=/tmp/x\nHealthTcp=a:1\n"
                           "HealthTCP=%i:1")
    done = reeve.run("reeve", "check", "--static", "w.service")
    assert done.returncode == 1
    for line, words in ((5, "HealthInterval"), (6, "takes http://"), (7, "not into a file"),
                        (8, "did you mean HealthTCP=?"), (9, "HOST:PORT")):
        assert any(f"w.service:{line}: " in told and words in told for told in done.stdout.splitlines()), done.stdout
    reeve.until(lambda: "A setting of [X-Reeve] is wrong" in reeve.ctl("log", "-u", "w.service", "-o", "cat"), DEADLINE)
    assert reeve.show("w.service", "ActiveState") == "active"
    assert w.probe().returncode == 0
    reeve.write("w.target", "[X-Reeve]\nHealthTCP=a:1\n")
    assert "it is for .service units" in reeve.run("reeve", "check", "--static", "w.target").stdout


def test_commands_that_would_be_refused(reeve):
    reeve.write("c.service", """
        [Service]
        ExecStartPre=/usr/local/bin/reeve preflight --port=none --port=$PORT
        ExecStartPre=/usr/local/bin/reeve preflight --port=8080 --file=/etc/passwd:r
        ExecStart=/usr/local/bin/reeve guard --http=here,for=live -- /bin/true --tcp=any
        """)
    done = reeve.run("reeve", "check", "--static", "c.service")
    found = [line.split(": ", 1) for line in done.stdout.splitlines() if "status 64" in line]
    assert [where.rsplit("/", 1)[1] for where, _ in found] == \
        ["c.service:2", "c.service:4", "c.service:4"], done.stdout
    assert "--port=none: takes [ADDR:]PORT" in found[0][1]
    assert "--http=here,for=live: takes http://" in found[1][1]
    assert "add NotifyAccess=all" in found[2][1]
    assert done.returncode == 1


def test_a_unit_without_probes_pays_nothing(reeve):
    reeve.write("plain.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    reeve.ctl("start", "plain.service")
    assert "Health" not in reeve.ctl("show", "plain.service")
    assert reeve.run("pgrep", "-x", "reeve-health").returncode == 1
    assert reeve.run("reeve", "probe", "plain.service").returncode == 0
    reeve.ctl("stop", "plain.service")
    assert reeve.run("reeve", "probe", "plain.service").returncode == 1
    assert reeve.run("reeve", "probe", "no-such.service").returncode == 4
    assert reeve.run("reeve", "probe").returncode == 2
