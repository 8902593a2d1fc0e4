"""reeve explain: words, topics, and what Restart= makes of every end. What it says of common beliefs is shown on real
systemd by the scenarios of tests/differential/scenarios/beliefs."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time

import pytest

REEVE = os.environ.get("REEVE")
BELIEFS = pathlib.Path(__file__).resolve().parents[1] / "differential" / "truth" / "257" / "beliefs"

pytestmark = pytest.mark.skipif(not REEVE, reason="REEVE does not name the binary")


def explain(*args, units=None, status=0):
    env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **({"SYSTEMD_UNIT_PATH": str(units)} if units else {})}
    done = subprocess.run([REEVE, "explain", *args], env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stderr
    return done


@pytest.mark.parametrize("word, kinds", [
    ("203", ["exit status 203 (EXEC)"]), ("EXEC", ["exit status 203 (EXEC)"]), ("203/EXEC", ["exit status 203 (EXEC)"]),
    ("CHDIR", ["exit status 200 (CHDIR)"]), ("9", ["exit status 9", "signal 9 (SIGKILL)"]), ("KILL", ["signal 9 (SIGKILL)"]),
    ("SIGKILL", ["signal 9 (SIGKILL)"]), ("9/KILL", ["signal 9 (SIGKILL)"]), ("143", ["exit status 143"]),
    ("137", ["exit status 137"]), ("exit-code", ["result exit-code"]), ("start-limit-hit", ["result start-limit-hit"]),
    ("port-in-use", ["cause port-in-use"]), ("watchdog", ["result watchdog", "belief watchdog", "belief watchdog"]),
    ("128+N", ["exit status 128+N"]), ("2", ["exit status 2 (INVALIDARGUMENT)", "signal 2 (SIGINT)"]),
])
def test_words(word, kinds):
    found = json.loads(explain(word, "-o", "json").stdout)
    assert [f"{f['kind']} {f['name']}" for f in found] == kinds
    assert all(f["text"] for f in found)


def test_every_status_signal_and_topic_has_a_text():
    for word in [*map(str, range(256)), "TERM", "SEGV", "SYS", "environment", "journal", "notify", "ports", "restart"]:
        assert json.loads(explain(word, "-o", "json").stdout)


def test_all_topics():
    assert {f["name"] for f in json.loads(explain("-o", "json").stdout)} == {
        "environment", "journal", "notify", "ports", "restart", "watchdog"}


def test_unknown_word_and_usage(tmp_path):
    assert "no exit status" in explain("nosuchword", status=1).stderr
    explain("--nosuch", status=2)
    explain("--unit", "nosuch", units=tmp_path, status=4)
    (tmp_path / "t.target").write_text("[Unit]\n")
    assert "is no service" in explain("--unit", "t.target", units=tmp_path, status=2).stderr


def table(tmp_path, *lines):
    (tmp_path / "u.service").write_text("\n".join(["[Service]", "ExecStart=/bin/true", *lines]) + "\n")
    rows = json.loads(explain("--unit", "u", "-o", "json", units=tmp_path).stdout)
    found = {}
    for row in rows:
        words = row["end"].removeprefix("SIG: ").split()
        if words[0] == "exit":
            first, _, last = words[1].partition("..")
            for n in range(int(first), int(last or first) + 1):
                found[n] = row
        else:
            for word in words:
                found[word] = row
            found[row["end"]] = row
    return found


def test_unit(tmp_path):
    ends = table(tmp_path, "Restart=on-failure", "SuccessExitStatus=143 SIGUSR1", "RestartPreventExitStatus=2 SIGABRT",
                 "RestartForceExitStatus=0")
    got = {end: (ends[end]["result"], ends[end]["restarts"]) for end in [0, 1, 2, 143, "TERM", "KILL", "ABRT", "USR1"]}
    assert got == {0: ("success", True), 1: ("exit-code", True), 2: ("exit-code", False), 143: ("success", False),
                   "TERM": ("success", False), "KILL": ("signal", True), "ABRT": ("signal", False), "USR1": ("success", False)}
    assert all(n in ends for n in range(256))


@pytest.mark.parametrize("restart", ["no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always"])
def test_restart_table(tmp_path, restart):
    """systemd.service(5), table 1."""
    ends = table(tmp_path, f"Restart={restart}")
    got = [ends[e]["restarts"] for e in [0, 1, "TERM", "KILL", "with a core dump", "start or stop takes too long",
                                         "no WATCHDOG=1 in time"]]
    clean, exit_code, unclean, slow, dog = {
        "no": (0, 0, 0, 0, 0), "on-success": (1, 0, 0, 0, 0), "on-failure": (0, 1, 1, 1, 1), "on-abnormal": (0, 0, 1, 1, 1),
        "on-watchdog": (0, 0, 0, 0, 1), "on-abort": (0, 0, 1, 0, 0), "always": (1, 1, 1, 1, 1)}[restart]
    assert got == [bool(x) for x in [clean, exit_code, clean, unclean, unclean, slow, dog]]


@pytest.mark.parametrize("signal, outcome", [("TERM", "dead"), ("INT", "dead"), ("HUP", "dead"), ("KILL", "auto-restart"),
                                             ("SEGV", "auto-restart")])
def test_table_is_what_systemd_does(tmp_path, signal, outcome):
    truth = json.loads((BELIEFS / "clean-signals.json").read_text())["outcomes"][signal]
    assert next(s["seen"]["SubState"] for s in truth if s["step"].startswith("show")) == outcome
    assert table(tmp_path, "Restart=on-failure")[signal]["restarts"] == (outcome == "auto-restart")


def test_redis_cli_succeeds_where_redis_refuses():
    """Of the topic `ports`: its exit status is no answer."""
    if not (shutil.which("redis-server") and shutil.which("redis-cli")):
        pytest.skip("no redis (Debian: redis-server)")
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = str(s.getsockname()[1])
    server = subprocess.Popen(["redis-server", "--port", port, "--bind", "127.0.0.1", "--requirepass", "x", "--save", ""],
                              stdout=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while True:
            done = subprocess.run(["redis-cli", "-p", port, "ping"], capture_output=True, text=True)
            if "NOAUTH" in done.stdout:
                break
            assert time.monotonic() < end, done
        assert done.returncode == 0
    finally:
        server.terminate()
        server.wait()
