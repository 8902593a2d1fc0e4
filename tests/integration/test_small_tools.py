"""systemd-escape and systemd-analyze: every recorded run of 257 (tests/corpus/tools) gives the same bytes on standard
output and standard error, and the same exit status."""
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
    for name in ["systemd-escape", "systemd-analyze"]:
        (folder / name).symlink_to(pathlib.Path(REEVE).resolve())
    return folder


@pytest.mark.parametrize("row", runs())
def test_as_systemd(names, row):
    env = {"PATH": f"{names}:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": row["tz"]}
    done = subprocess.run([row["tool"], *row["args"]], executable=names / row["tool"], env=env, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=30)
    out = re.sub(r"(?m)^( *From now:) .*$", r"\1 *", done.stdout.decode())
    assert (out, done.stderr.decode(), done.returncode) == (row["out"], row["err"], row["status"])
