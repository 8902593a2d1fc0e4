"""The man pages: they render without warnings, name every verb, and what their examples show is so.

An example is a literal block below a comment "; exits with N": each of its lines that begin with
"$ " is run in a machine, and has to exit with N."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "differential"))
import machine as machines  # noqa: E402

SOURCES = HERE.parents[1] / "docs" / "man"
REEVE = os.environ.get("REEVE")
PAGES = pathlib.Path(REEVE or "/").resolve().parents[1] / "docs" / "man" if REEVE else None

pytestmark = pytest.mark.skipif(not REEVE, reason="REEVE does not name the reeve binary to test")

# What the examples of all pages speak of.
FILES = {
    "etc/systemd/system/web.service": "[Service]\nExecStart=/bin/sleep infinity\n",
    "etc/systemd/system/broken.service": "[Service]\nExecStart=/usr/bin/no-such-program\n",
    "etc/systemd/system/often.timer": "[Timer]\nOnActiveSec=1h\nUnit=web.service\n",
    "etc/systemd/system/web.socket": "[Socket]\nListenStream=/run/web.socket\n",
    "etc/systemd/system/some.path": "[Path]\nPathExists=/nowhere\nUnit=web.service\n",
    "srv/units/job.service": "[Service]\nType=oneshot\nExecStart=/bin/true\n",
    "srv/failing/seven.service": "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'exit 7'\n",
    "srv/failing/misspelt.service": "[Service]\nExecStart=/bin/true\nRestrat=no\n",
}


def sources():
    return sorted(SOURCES.glob("*.scd"))


def page(source):
    path = PAGES / source.stem
    if not path.exists():
        pytest.skip("the man pages are not built: there is no scdoc")
    return path


def rendered(path):
    if not shutil.which("man"):
        pytest.skip("there is no man")
    env = os.environ | {"LC_ALL": "C.UTF-8", "MANWIDTH": "100", "MAN_KEEP_FORMATTING": ""}
    done = subprocess.run(["man", "--warnings=w", "--no-hyphenation", "--no-justification", "-l", path],
                          capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.parametrize("source", sources(), ids=lambda p: p.stem)
def test_renders_without_warnings(source):
    text, warnings = rendered(page(source))
    assert warnings == ""
    assert not re.search(r"^@[a-z-]+@$", text, re.M), "a table was not filled in"
    assert "T{" not in text and text.count("\n") > 30


@pytest.mark.parametrize("source", sources(), ids=lambda p: p.stem)
def test_names_pages_that_exist(source):
    names = set(re.findall(r"\*(reeve(?:-[a-z]+)?)\*\((\d)\)", source.read_text()))
    missing = [f"{n}({s})" for n, s in names if not (SOURCES / f"{n}.{s}.scd").exists()]
    assert missing == []


def test_names_every_verb():
    text, _ = rendered(page(SOURCES / "reeve.1.scd"))
    listed = subprocess.run([REEVE, "help"], capture_output=True, text=True, check=True).stdout
    verbs = re.findall(r"^  ([a-z-]+) {2,}\S", listed, re.M)
    assert len(verbs) > 60
    assert [v for v in verbs if not re.search(rf"^ +{re.escape(v)}( |$)", text, re.M)] == []


def test_names_every_directive():
    """Those that systemd 257 has: every row of the table that files can name."""
    text, _ = rendered(page(SOURCES / "reeve-differences.7.scd"))
    folder = HERE.parents[1] / "src" / "unit"
    rows = {name for f in folder.glob("*.directives")
            for name in re.findall(r"^(?:ROW|ROW_AS|ITEM)\((\w+),", f.read_text(), re.M)}
    assert len(rows) > 400
    assert [r for r in sorted(rows)
            if not re.search(rf"^ +{r} +[a-z-]+ +[a-z-]+$", text, re.M)] == []


def examples():
    for source in sources():
        blocks = re.findall(r"^; exits with (\d+)\n```\n(.*?)^```$", source.read_text(), re.M | re.S)
        marks = source.read_text().count("\n; exits with ")
        assert len(blocks) == marks, f"{source.name}: a mark without a literal block below it"
        for status, block in blocks:
            for line in block.splitlines():
                if line.startswith("$ "):
                    yield pytest.param(line[2:], int(status), id=f"{source.stem}: {line[2:]}"[:90])


@pytest.fixture(scope="module")
def machine():
    if why := machines.missing():
        pytest.skip(why)
    with machines.Machine(["/usr/local/bin/reeve", "init"], reeve=REEVE, name="man") as m:
        root = pathlib.Path(f"/proc/{m.pid}/root")
        for name, text in FILES.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        m.run(["reeve", "daemon-reload"])
        m.run(["reeve", "start", "web.service", "broken.service"])
        yield m


@pytest.mark.parametrize("command, status", examples())
def test_example(machine, command, status):
    done = machine.run(["sh", "-c", command], text=True, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
