"""systemd-escape, systemd-analyze and systemd-notify: every recorded run of 257 (tests/corpus/tools) gives the same bytes
on standard output and standard error, and the same exit status."""
import importlib.util
import json
import os
import pathlib
import re
import subprocess

import pytest

TOOLS = pathlib.Path(__file__).resolve().parents[1] / "corpus" / "tools"
REEVE = os.environ.get("REEVE")

pytestmark = pytest.mark.skipif(not REEVE, reason="REEVE does not name the binary")


def runs():
    for name in ["escape.jsonl", "analyze.jsonl"]:
        for line in (TOOLS / name).read_text().splitlines()[1:]:
            row = json.loads(line)
            yield pytest.param(row, id=f"{row['tool']} {' '.join(row['args'])}"[:80])


@pytest.fixture(scope="session")
def names(tmp_path_factory):
    folder = tmp_path_factory.mktemp("names")
    for name in ["systemd-escape", "systemd-analyze", "systemd-notify"]:
        (folder / name).symlink_to(pathlib.Path(REEVE).resolve())
    return folder


@pytest.mark.parametrize("row", runs())
def test_as_systemd(names, row):
    env = {"PATH": f"{names}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": row["tz"]}
    done = subprocess.run([row["tool"], *row["args"]], executable=names / row["tool"], env=env, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=30)
    out = re.sub(r"(?m)^( *From now:) .*$", r"\1 *", done.stdout.decode())
    assert (out, done.stderr.decode(), done.returncode) == (row["out"], row["err"], row["status"])


def player():
    spec = importlib.util.spec_from_file_location("notify", TOOLS / "notify.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def notify_runs():
    for line in (TOOLS / "notify.jsonl").read_text().splitlines()[1:]:
        row = json.loads(line)
        yield pytest.param(row, id=f"{row['socket']} {' '.join(row['args'])}"[:80])


@pytest.mark.parametrize("row", notify_runs())
def test_notify_as_systemd(names, row):
    """Also what is sent: datagrams, descriptors, and as whom."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to send as others")
    got = player().play("systemd-notify", row["socket"], row["args"], executable=names / "systemd-notify")
    expected = dict(row)
    if expected["out"].startswith("systemd-notify [OPTIONS"): # help, in each one's words
        assert got["out"].startswith("systemd-notify [OPTION")
        got["out"] = expected["out"]
    if "--booted" in row["args"]:
        expected["status"] = 0 if os.path.isdir("/run/systemd/system") else 1
        got["sent"] = expected["sent"] = []
    assert got == expected
