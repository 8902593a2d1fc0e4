"""reeve check: each kind of finding with its code, on files alone and on this machine."""
import json
import os
import pathlib
import socket
import subprocess

import pytest

REEVE = os.environ.get("REEVE")
VERIFY = pathlib.Path(__file__).resolve().parents[1] / "corpus" / "tools" / "verify.jsonl"

pytestmark = pytest.mark.skipif(not REEVE, reason="REEVE does not name the binary")


@pytest.fixture
def check(tmp_path):
    def run(files, *options, unit=None):
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "SYSTEMD_UNIT_PATH": f"{tmp_path}:"}
        return subprocess.run([REEVE, "check", *options, str(tmp_path / (unit or next(iter(files))))], env=env,
                              capture_output=True, text=True, timeout=120)
    return run


def codes(done):
    return {f["code"]: f["level"] for f in json.loads(done.stdout)}


def service(*lines, section="Service"):
    return {"x.service": "[Service]\n" + "\n".join(["ExecStart=/bin/true", *lines]) + "\n"}


def test_names_the_five_that_verify_misses(check):
    """systemd-analyze verify of 257 says nothing of them."""
    rows = [json.loads(line) for line in VERIFY.read_text().splitlines()]
    silent = next(r for r in rows[2:] if r["args"] == ["verify", "$D/five.service"])
    assert (silent["status"], silent["err"]) == (0, "")
    done = check({"five.service": rows[1]["files"]["five.service"]}, "-o", "json")
    assert codes(done) == {c: "error" for c in ["user-missing", "workdir-missing", "env-file-missing",
                                                "output-folder-missing", "sandbox-path-missing"]}
    assert done.returncode == 1
    static = check({"five.service": rows[1]["files"]["five.service"]}, "--static")
    assert (static.stdout, static.returncode) == ("", 0)


def test_old_settings_are_noted(check):
    """Those that systemd-analyze verify of 257 warns of (BlockIOWeight= is none), with what takes their place."""
    old = {"MemoryLimit=1G": "MemoryMax", "CPUShares=100": "CPUWeight", "StartupCPUShares=100": "StartupCPUWeight",
           "BlockIODeviceWeight=/dev/null 100": "IODeviceWeight", "BlockIOReadBandwidth=/dev/null 5M": "IOReadBandwidthMax",
           "BlockIOWriteBandwidth=/dev/null 5M": "IOWriteBandwidthMax", "KillMode=none": None}
    new = ["MemoryMax=1G", "CPUWeight=100", "IOReadBandwidthMax=/dev/null 5M", "KillMode=mixed", "BlockIOWeight=100"]
    done = check(service(*new), "--static")
    assert (done.stdout, done.returncode) == ("", 0)
    done = check(service(*old), "--static")
    assert done.returncode == 0
    noted = done.stdout.splitlines()
    assert len(noted) == len(old), done.stdout
    for number, (line, successor) in enumerate(old.items(), 3):
        assert f"x.service:{number}: notice: {line.split('=')[0]}=: " in noted[number - 3]
        assert successor is None or f"write {successor}= " in noted[number - 3]


@pytest.mark.parametrize("code, level, lines", [
    ("inline-comment", "warning", ["Nice=5 # low"]),
    ("env-prefix", "warning", ["ExecStop=A=1 /bin/true"]),
    ("shell-builtin", "warning", ["ExecStop=cd /tmp"]),
    ("shell-syntax", "warning", ["ExecStop=/bin/echo a && b"]),
    ("tilde", "warning", ["ExecStop=/bin/cat ~/x"]),
    ("variable", "warning", ["Environment=A=$HOME/x"]),
    ("percent", "warning", ["ExecStop=/bin/date +%Y"]),
    ("unknown-setting", "warning", ["Bogus=1"]),
    ("unknown-section", "warning", ["[Nope]", "a=b"]),
    ("bad-value", "warning", ["Restart=sometimes"]),
    ("syntax", "warning", ["garbage"]),
    ("unit-missing", "warning", ["[Unit]", "Requires=nosuch.service"]),
    ("network-online", "notice", ["[Unit]", "After=network-online.target"]),
    ("forking-pid-file", "notice", ["Type=forking"]),
    ("watchdog-restart", "notice", ["WatchdogSec=1"]),
    ("ambient-bounding", "warning", ["AmbientCapabilities=CAP_KILL", "CapabilityBoundingSet=CAP_CHOWN"]),
    ("install-manager", "warning", ["[Install]", "WantedBy=graphical-session.target"]),
    ("bad-unit", "error", ["Type=dbus"]),
])
def test_static_codes(check, code, level, lines):
    done = check(service(*lines), "--static", "-o", "json")
    assert codes(done).get(code) == level
    assert done.returncode == (1 if level == "error" else 0)
    assert check(service(*lines), "--static", "--strict").returncode == (0 if level == "notice" else 1)


@pytest.mark.parametrize("code, lines", [
    ("program-missing", ["ExecStop=/usr/bin/nosuch"]),
    ("group-missing", ["Group=nosuchgroup"]),
    ("credential-missing", ["LoadCredential=a:/nosuch"]),
    ("never-notifies", ["Type=notify", "ExecStart=", "ExecStart=/bin/sleep 1"]),
])
def test_surroundings_codes(check, code, lines):
    assert code in codes(check(service(*lines), "-o", "json"))


def test_program_codes(check, tmp_path):
    for name, text, code in [("crlf", "#!/bin/sh\r\n", "program-crlf"), ("lost", "#!/nosuch/perl\n", "interpreter-missing"),
                             ("plain", "echo\n", "program-format")]:
        (tmp_path / name).write_bytes(text.encode())
        (tmp_path / name).chmod(0o755)
        done = check(service(f"ExecStop={tmp_path}/{name}"), "-o", "json")
        assert code in codes(done), done.stdout


def test_pam(check, tmp_path):
    """The helper beside the binary, the file of the service, the modules that it names."""
    found = codes(check(service("User=daemon", "PAMName=nobody-has-this"), "-o", "json"))
    assert found["pam-service-missing"] == "warning"
    alone = tmp_path / "reeve"
    alone.write_bytes(pathlib.Path(REEVE).read_bytes())
    alone.chmod(0o755)
    (tmp_path / "y.service").write_text("[Service]\nExecStart=/bin/true\nUser=daemon\nPAMName=login\n")
    done = subprocess.run([alone, "check", "-o", "json", tmp_path / "y.service"], capture_output=True, text=True)
    under_systemd = pathlib.Path("/proc/1/comm").read_text().strip() == "systemd"
    assert codes(done).get("pam-helper-missing") == (None if under_systemd else "warning")


def test_a_script_may_notify(check, tmp_path):
    (tmp_path / "serve").write_text("#!/bin/sh\nexec anything\n")
    (tmp_path / "serve").chmod(0o755)
    assert "never-notifies" not in codes(check(service("Type=notify", "ExecStart=", f"ExecStart={tmp_path}/serve"), "-o", "json"))


def test_ports(check):
    with socket.socket() as s:
        s.bind(("0.0.0.0", 0))
        s.listen()
        port = s.getsockname()[1]
        done = check(service("ExecStart=", f"ExecStart=/bin/true --listen=:{port}"), "-o", "json")
        held = [f for f in json.loads(done.stdout) if f["code"] == "port-in-use"]
        assert len(held) == 1 and f"port {port} is held by pid {os.getpid()} (" in held[0]["text"]
        assert held[0]["line"] == 4
    assert "port-in-use" not in codes(check(service("ExecStart=", f"ExecStart=/bin/true --listen=:{port}"), "-o", "json"))


def test_low_port(check):
    if int(pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 80:
        pytest.skip("ports below 1024 are for everybody here")
    assert "port-privileged" in codes(check(service("User=nobody", "Environment=PORT=80"), "-o", "json"))
    assert "port-privileged" not in codes(check(service("User=nobody", "Environment=PORT=80",
                                                        "AmbientCapabilities=CAP_NET_BIND_SERVICE"), "-o", "json"))
    assert "port-privileged" not in codes(check(service("Environment=PORT=80"), "-o", "json"))


ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@ROOT_ONLY
def test_namespaces_that_cannot_be_had(tmp_path):
    unit = tmp_path / "x.service"
    unit.write_text("[Service]\nExecStart=/bin/true\nPrivateNetwork=yes\nProtectSystem=no\nBindPaths=/tmp\nPrivateUsers=no\n")

    def found(*prefix):
        done = subprocess.run([*prefix, REEVE, "check", "-o", "json", str(unit)], capture_output=True, text=True, timeout=120)
        return {f["directive"]: (f["level"], f["line"]) for f in json.loads(done.stdout) if f["code"] == "namespace-forbidden"}
    if (can := found()) != {}:
        pytest.skip(f"namespaces cannot be made here: {can}")
    assert found("setpriv", "--bounding-set=-sys_admin") == {"PrivateNetwork": ("warning", 3), "BindPaths": ("error", 5)}


@ROOT_ONLY
def test_what_is_below_another_root(tmp_path):
    """Its own users and programs count, and neither this machine's nor its ports."""
    tmp_path.chmod(0o755)
    for name, text in {"etc/passwd": "root:x:0:0::/:/bin/sh\nonlythere:x:4711:4711::/:/bin/sh\n", "etc/group": "onlythere:x:4711:\n",
                       "usr/bin/daemon": "#!/usr/bin/interpreter-of-there\n",
                       "etc/systemd/system/a.service": "[Service]\nUser=onlythere\nExecStart=/usr/bin/daemon\n",
                       "etc/systemd/system/b.service": "[Service]\nUser=daemon\nExecStart=/usr/bin/env\nWorkingDirectory=/etc\n"}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def found(*arguments, prefix=()):
        done = subprocess.run([*prefix, REEVE, "check", f"--root={tmp_path}/", "-o", "json", *arguments], capture_output=True,
                              text=True, timeout=120, cwd="/")
        return {(f["code"], f["file"], f["line"]) for f in json.loads(done.stdout) if f["level"] == "error"}, done
    a, b = (f"{tmp_path}/etc/systemd/system/{name}.service" for name in "ab")
    assert found("a.service")[0] == {("interpreter-missing", a, 3)}
    assert found("b.service")[0] == {("user-missing", b, 2), ("program-missing", b, 3)}
    assert found(b)[0] == {("user-missing", b, 2), ("program-missing", b, 3)}
    assert found("--static", "b.service")[0] == set()
    errors, done = found("b.service", prefix=("setpriv", "--bounding-set=-sys_chroot"))
    assert errors == set() and "only root can look into it" in done.stderr


def test_cycle_is_named(check):
    pair = {"a.service": "[Unit]\nAfter=b.service\nWants=b.service\n[Service]\nExecStart=/bin/true\n",
            "b.service": "[Unit]\nAfter=a.service\n[Service]\nExecStart=/bin/true\n"}
    done = check(pair, "--static")
    assert "a.service:2: error: After=: ordering cycle: a.service after b.service after a.service" in done.stdout
    assert "[ordering-cycle]" in done.stdout and done.returncode == 1
    early = {"e.service": "[Unit]\nBefore=basic.target\nWantedBy=x\n[Service]\nExecStart=/bin/true\n"}
    assert check(early, "--static", "-o", "json").returncode == 0


@pytest.mark.parametrize("name, text", [("t.timer", "[Timer]\nAccuracySec=1\n"), ("p.path", "[Path]\n"), ("s.socket", "[Socket]\n")])
def test_nothing_sets_it_off(check, name, text):
    done = check({name: text, name.partition(".")[0] + ".service": service()["x.service"]}, "--static", "-o", "json")
    assert codes(done).get("no-trigger") == "error" and done.returncode == 1


def test_sarif(check):
    done = check(service("Bogus=1", "Type=dbus"), "--static", "-o", "sarif")
    document = json.loads(done.stdout)
    results = document["runs"][0]["results"]
    assert document["version"] == "2.1.0" and document["runs"][0]["tool"]["driver"]["name"] == "reeve check"
    assert {(r["ruleId"], r["level"]) for r in results} == {("unknown-setting", "warning"), ("bad-unit", "error")}
    place = results[0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"].endswith("x.service") and place["region"]["startLine"] == 3


def test_advice(check):
    done = check(service("User=nobody", "PrivateTmp=yes"), "--static", "--strict", "--advice", "-o", "json")
    found = json.loads(done.stdout)
    advised = {f["directive"] for f in found if f["code"] == "hardening"}
    assert {"NoNewPrivileges", "ProtectClock", "CapabilityBoundingSet"} <= advised and "PrivateTmp" not in advised
    assert [f["text"] for f in found if f["code"] == "exposure"] == ["exposure 9.2 of 10 (UNSAFE)"]
    assert done.returncode == 0
    home = check(service("User=nobody", "WorkingDirectory=/home/x"), "--static", "--advice", "-o", "json")
    assert "ProtectHome" not in {f["directive"] for f in json.loads(home.stdout)}


def test_what_is_advised_leaves_nothing_to_advise(check):
    """The advice taken, the unit is still fine, and its exposure is less."""
    found = json.loads(check(service("User=nobody"), "--static", "--advice", "-o", "json").stdout)
    lines = [f["remedy"].removeprefix("add ") for f in found if f["code"] == "hardening"]
    after = json.loads(check(service("User=nobody", *lines), "--static", "--advice", "-o", "json").stdout)
    assert [f["code"] for f in after] == ["exposure"]
    assert float(after[0]["text"].split()[1]) < 5
