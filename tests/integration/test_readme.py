"""The README's whole way: each of its commands is run as shown, and says what is shown."""
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "notes"


def steps():
    """The commands of the console block, each with the lines that are shown of its output."""
    block = re.search(r"^```console\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S).group(1)
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def is_shown(line, output):
    """Whether a line of the output is that one; "..." stands for anything, and so does its rest."""
    pattern = r".*".join(re.escape(" ".join(part.split())) for part in line.split("..."))
    return any(re.search(pattern, " ".join(o.split())) for o in output.splitlines())


def test_each_command_is_run_as_shown(reeve):
    reeve.write("/usr/local/bin/notes", (EXAMPLE / "notes").read_text(), mode=0o755)
    reeve.write("notes.service", (EXAMPLE / "notes.service").read_text())
    assert len(steps()) > 5
    for command, shown in steps():
        done = reeve.run("env", "COLUMNS=200", *command.split())
        output = done.stdout + done.stderr
        if "can be laid" in output or "cannot be made" in output:
            pytest.skip(f"no copy of a machine can be made here: {output}")
        missing = [line for line in shown if not is_shown(line, output)]
        assert missing == [], f"$ {command}\n{output}"
