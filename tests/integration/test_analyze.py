"""reeve analyze as systemd-analyze: every run of 257 recorded in tests/corpus/tools gives the same bytes and exit status;
for verify, whose words are reeve's own, the same exit status and faults in the same units; for security the same verdict
on every row."""
import importlib.util
import json
import os
import pathlib
import re
import stat
import subprocess
import xml.etree.ElementTree

import pytest
from conftest import Reeve, machines, why_no_machine

TOOLS = pathlib.Path(__file__).resolve().parents[1] / "corpus" / "tools"
REEVE = os.environ.get("REEVE")

pytestmark = pytest.mark.skipif(not REEVE, reason="REEVE does not name the binary")


def rows(name):
    return [json.loads(line) for line in (TOOLS / name).read_text().splitlines()]


def ids(row):
    return (" ".join(row["args"]) or "nothing")[:80]


@pytest.fixture(scope="session")
def analyze(tmp_path_factory):
    link = tmp_path_factory.mktemp("analyze") / "systemd-analyze"
    link.symlink_to(pathlib.Path(REEVE).resolve())

    def run(*args, env=None, **kw):
        env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root", **(env or {})}
        return subprocess.run([str(link), *map(str, args)], env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=120, **kw)
    return run


def recorder():
    spec = importlib.util.spec_from_file_location("record_files", TOOLS / "record_files.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("files")
    for name, text in recorder().FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def without_words(text):
    """Groups without what is said of them, in reeve's words, and without what depends on the kernel."""
    listed = text.partition("\n# Unlisted")[0]
    return re.sub(r"(?m)^(    )?# .*\n", "", listed).rstrip("\n")


@pytest.mark.parametrize("row", rows("files.jsonl")[1:], ids=ids)
def test_files_as_systemd(analyze, folder, row):
    if row["args"][0] == "unit-files" and row["status"] == 0:
        pytest.skip("lists the units of the recorded machine: see test_unit_files")
    for arg in row["args"]:
        if re.match(r"--unit=(systemd|rc-local|dbus)", arg) and "not found" not in row["err"] and "passed" not in row["err"]:
            pytest.skip("a unit of the recorded machine")
        if arg.startswith("ConditionOSRelease=") and not pathlib.Path("/etc/debian_version").exists():
            pytest.skip("recorded on Debian")
    done = analyze(*[a.replace("$D", str(folder)) for a in row["args"]])
    got = [done.returncode, done.stdout.replace(str(folder), "$D"), done.stderr.replace(str(folder), "$D")]
    expected = [row["status"], row["out"], row["err"]]
    if row["args"][0] in ("syscall-filter", "filesystems"):
        got[1], expected[1] = without_words(got[1]), without_words(expected[1])
    if row["err"].startswith("(cmdline)"): # what is wrong with the line is said in reeve's words
        got[2], expected[2] = got[2][:30], expected[2][:30]
    assert got == expected


def own(*args, env=None):
    return subprocess.run([REEVE, "analyze", *args], env={"PATH": "/usr/bin:/bin", "TZ": "UTC", "LC_ALL": "C.UTF-8", **(env or {})},
                          capture_output=True, text=True, timeout=120)


def test_json_of_reeve_s_own():
    """-o json, also where systemd-analyze has none."""
    read = lambda *args: json.loads(own("-o", "json", *args).stdout)  # noqa: E731
    assert read("calendar", "--iterations=2", "--base-time=2026-01-01", "daily") == [
        {"original": "daily", "normalized": "*-*-* 00:00:00", "elapses_usec": [1767312000000000, 1767398400000000]}]
    assert read("timespan", "1h", "infinity") == [{"original": "1h", "usec": 3600000000, "human": "1h"},
                                                  {"original": "infinity", "usec": None, "human": "infinity"}]
    assert read("timestamp", "@5") == [{"original": "@5", "normalized": "Thu 1970-01-01 00:00:05 UTC", "usec": 5000000}]
    assert read("exit-status", "203") == [{"name": "EXEC", "status": 203, "class": "systemd"}]
    refused = own("-o", "json", "cat-config", "x.conf")
    assert (refused.returncode, refused.stderr) == (2, "analyze cat-config does not print JSON.\n")


@pytest.mark.parametrize("command", ["fdstore", "malloc", "inspect-elf", "image-policy", "smbios11", "has-tpm2", "pcrs", "srk",
                                     "log-level", "log-target", "service-watchdogs"])
def test_what_is_not_there_says_why(command):
    done = own(command)
    assert done.returncode == 1 and re.fullmatch(rf"{command} is not implemented: .+\.\n", done.stderr)


def test_unit_files(analyze, tmp_path):
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    (units / "a.service").write_text("[Service]\nExecStart=/bin/true\n")
    (units / "t@.service").write_text("[Service]\nExecStart=/bin/true\n")
    (units / "other.service").symlink_to("a.service")
    done = analyze("unit-files", "a.*", "t@*", env={"SYSTEMD_UNIT_PATH": str(units)})
    assert done.stdout == (f"ids: a.service → {units}/a.service\nids: other.service → a.service\n"
                           f"ids: t@.service → {units}/t@.service\naliases: a.service ← a.service, other.service\n"
                           "aliases: t@.service ← t@.service\n")


@pytest.mark.parametrize("row", rows("security.jsonl")[1:], ids=lambda r: r["unit"].replace("\n", ";")[20:90])
def test_security_as_systemd(analyze, tmp_path, row):
    unit = tmp_path / "x.service"
    unit.write_text(row["unit"])
    done = analyze("security", "--offline=yes", "--json=short", unit)
    got = {r["json_field"]: [r["set"], r["exposure"]] for r in json.loads(done.stdout)}
    expected = {**rows("security.jsonl")[1]["changed"], **row["changed"]}
    assert {n: v for n, v in got.items() if expected.get(n) != v} == {}
    assert got.keys() == expected.keys()
    assert analyze("security", "--offline=yes", unit).stdout.splitlines()[-1] == row["last"]


def test_reviews_with_policies_and_profiles(analyze, tmp_path):
    """Rows that a policy changes, and its words; profiles; what is wrong with them."""
    base, wrong = None, []
    for number, row in enumerate(rows("reviews.jsonl")[1:]):
        folder = tmp_path / str(number)
        folder.mkdir()
        for name, text in row["files"].items():
            (folder / name).write_text(text)
        options = [o.replace("$D", str(folder)) for o in row["options"]]
        plain = analyze("security", "--offline=yes", *options, folder / "x.service")
        if "status" in row:
            err = plain.stderr.replace(str(folder), "$D")
            same = err == row["err"] or err.split(" at ")[0] == row["err"].split(" at ")[0] or "profile" in err
            if plain.returncode != row["status"] or not same:
                wrong.append((row, plain.returncode, err))
            continue
        done = analyze("security", "--offline=yes", "--json=short", *options, folder / "x.service")
        got = {r["json_field"]: [r["set"], r["exposure"], r["description"]] for r in json.loads(done.stdout)}
        base = base or row["changed"]
        expected = {**base, **row["changed"]}
        wrong += [(row["options"], row["files"], n, got[n], e) for n, e in expected.items()
                  if got[n][:2] != e[:2] or (e[2] and got[n][2] != e[2])]
        if plain.stdout.splitlines()[-1] != row["last"]:
            wrong.append((row["options"], row["files"], plain.stdout.splitlines()[-1], row["last"]))
    assert wrong == []


def test_policy_whose_range_is_too_small(analyze, tmp_path):
    """systemd-analyze 257 aborts."""
    (tmp_path / "x.service").write_text("[Service]\nExecStart=/bin/true\n")
    (tmp_path / "p.json").write_text('{"UserOrDynamicUser":{"range":2}}')
    done = analyze("security", "--offline=yes", f"--security-policy={tmp_path}/p.json", tmp_path / "x.service")
    assert done.returncode == 1 and "UserOrDynamicUser: its range is 2" in done.stderr


def test_security_threshold_and_faults(analyze, tmp_path):
    unit = tmp_path / "x.service"
    unit.write_text("[Service]\nExecStart=/bin/true\n")
    assert analyze("security", "--offline=yes", "--threshold=50", unit).returncode == 1
    assert analyze("security", "--offline=yes", "--threshold=99", unit).returncode == 0
    missing = analyze("security", "--offline=yes", tmp_path / "nosuch.service")
    assert missing.stderr == "Unit nosuch.service not found.\n" and missing.returncode == 1


@pytest.mark.parametrize("row", rows("verify.jsonl")[2:], ids=ids)
def test_verify_as_systemd(analyze, tmp_path, row):
    for name, text in rows("verify.jsonl")[1]["files"].items():
        (tmp_path / name).write_text(text)
    done = analyze("verify", *[a.replace("$D", str(tmp_path)) for a in row["args"][1:]])
    if "directive not implemented" in done.stderr:
        pytest.skip("units of this type are not implemented")
    assert done.returncode == row["status"], done.stderr
    assert bool(done.stderr) == bool(row["err"]), done.stderr
    # The lines of the file that it finds fault with, and the sentences that other programs look for.
    places = re.compile(r"^\$D/([^:]+:\d+): ", re.M)
    assert set(places.findall(done.stderr.replace(str(tmp_path), "$D"))) >= set(places.findall(row["err"]))
    for line in row["err"].splitlines():
        if re.search(r"not executable|not found|bad unit file setting|not loaded|^Unit .* failed to load|with code", line):
            line = re.sub(r" with code \d+", " with code", line)
            assert line in re.sub(r" with code \d+", " with code", done.stderr).splitlines()


def test_verify_names_the_cycle(analyze, tmp_path):
    for name, text in rows("verify.jsonl")[1]["files"].items():
        (tmp_path / name).write_text(text)
    done = analyze("verify", tmp_path / "one.service")
    assert "one.service: Found ordering cycle on two.service/start" in done.stderr
    assert "Found dependency on one.service/start" in done.stderr


# ---- the start of a machine: `systemctl` answers with what systemd 257 said

BOOT = json.loads((TOOLS / "boot.json").read_text())


@pytest.fixture(scope="session")
def booted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("booted")
    (folder / "manager").write_text(BOOT["manager"])
    (folder / "units").write_text(BOOT["units"])
    script = folder / "systemctl"
    script.write_text(f'#!/bin/sh\ncase "$*" in *--all*) cat {folder}/units;; *) cat {folder}/manager;; esac\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    # The recorded machine was a container; a user's manager is counted the same way.
    return {"PATH": f"{folder}:/usr/bin:/bin", "SYSTEMCTL_FORCE_BUS": "1", "REEVE_CONTROL": str(folder / "none")}


@pytest.mark.parametrize("row", BOOT["runs"], ids=ids)
def test_boot_as_systemd(analyze, booted, row):
    done = analyze("--user", *row["args"], env=booted)
    out, err = done.stdout, done.stderr
    if row["args"][:1] == ["dot"]: # in no order
        assert sorted(out.splitlines()) == sorted(row["out"].splitlines())
    elif row["args"][:1] == ["blame"]: # units that took the same time, in no order
        assert sorted(out.splitlines()) == sorted(row["out"].splitlines())
        assert [line.split()[0] for line in out.splitlines()] == [line.split()[0] for line in row["out"].splitlines()]
    else:
        assert out == row["out"]
    assert err == row["err"]
    assert done.returncode == row["status"]


def test_blame_as_json(booted):
    rows = json.loads(own("--user", "-o", "json", "blame", env=booted).stdout)
    assert {"unit", "time_usec"} == rows[0].keys()
    assert [r["time_usec"] for r in rows] == sorted((r["time_usec"] for r in rows), reverse=True)
    plot = json.loads(own("--user", "-o", "json", "plot", env=booted).stdout)
    assert any(row["name"] == rows[0]["unit"] for row in plot)


def test_plot_is_a_picture(analyze, booted):
    done = analyze("--user", "plot", env=booted)
    root = xml.etree.ElementTree.fromstring(done.stdout.encode())
    space = "{http://www.w3.org/2000/svg}"
    titles = [t.text.split(":")[0] for t in root.iter(space + "title")]
    assert root.tag == space + "svg" and "cron.service" in titles and "sysinit.target" in titles
    bars = {r.get("class") for r in root.iter(space + "rect")}
    assert {"preparing", "setup", "activating", "active"} <= bars


def test_boot_not_finished(analyze, booted, tmp_path):
    (tmp_path / "systemctl").write_text("#!/bin/sh\necho FinishTimestampMonotonic=0\n")
    (tmp_path / "systemctl").chmod(0o755)
    done = analyze("--user", "time", env={**booted, "PATH": f"{tmp_path}:/usr/bin:/bin"})
    assert done.returncode == 1 and done.stderr.startswith("Bootup is not yet finished")


# ---- the same of a machine that reeve runs

@pytest.fixture(scope="module")
def machine():
    if why := why_no_machine():
        pytest.skip(why)
    box = machines.Machine(["/usr/local/bin/reeve", "init"], reeve=REEVE, name="analyze").boot()
    reeve = Reeve(box)
    reeve.write("slow.service", """
        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStartPre=/bin/sleep 0.2
        ExecStart=/bin/sleep 0.2
    """)
    reeve.write("late.service", "[Unit]\nRequires=slow.service\nAfter=slow.service\n[Service]\nExecStart=/bin/sleep infinity\n")
    reeve.ctl("daemon-reload")
    reeve.ctl("start", "late.service")
    yield reeve
    box.off()


def test_start_of_reeve(machine):
    run = lambda *args: machine.run("systemd-analyze", *args)  # noqa: E731
    time = run("time")
    assert time.returncode == 0 and re.match(r"Startup finished in .* \(userspace\) \n.* reached after .* in userspace\.", time.stdout)
    blame = {line.split()[-1]: line for line in run("blame").stdout.splitlines()}
    assert re.match(r" *(\d+ms|[\d.]+s) slow\.service", blame["slow.service"])
    dot = run("dot", "late.service").stdout
    assert '"late.service"->"slow.service" [color="green"];' in dot and '"late.service"->"slow.service" [color="black"];' in dot
    dump = run("dump", "late.service").stdout
    assert dump.startswith("→ Unit late.service:\n") and "\tActiveState: active\n" in dump
    chain = run("critical-chain", "basic.target")
    assert chain.returncode == 0 and "basic.target @" in chain.stdout


def test_plot_of_reeve(machine):
    done = machine.run("reeve", "analyze", "plot", "--json=short", "--no-legend")
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert rows["slow.service"]["time"] >= 400_000
    xml.etree.ElementTree.fromstring(machine.run("reeve", "analyze", "plot").stdout.encode())


def test_security_of_reeve(machine):
    done = machine.run("reeve", "analyze", "security")
    assert re.search(r"^late\.service +9\.\d UNSAFE", done.stdout, re.M)
    assert "→ Overall exposure level for late.service: 9." in machine.run("reeve", "analyze", "security", "late").stdout
