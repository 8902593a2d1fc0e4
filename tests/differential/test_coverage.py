"""Every setting of the execution context that is honoured has a scenario: what systemd does with it is known."""
import re

import scenario as scenarios

UNIT = scenarios.HERE.parents[1] / "src" / "unit"
TABLES = ("exec", "sandbox", "cgroup", "kill", "limits")
ROW = re.compile(r"^(?:ROW|ROW_AS|ITEM)\((\w+),(.*?)\)$(?=\n(?:ROW|ITEM|FIELD|ALIAS|SHOWN|/\*|\n)|\n?\Z)", re.S | re.M)

# Those without one, each with its reason.
WITHOUT = {
    "StartupAllowedCPUs": "systemctl prints the bits of its value; tests/unit/launch/test_cgroup_apply.c",
    "StartupAllowedMemoryNodes": "the same",
}


def honoured(table):
    for name, rest in ROW.findall((UNIT / f"{table}.directives").read_text()):
        if re.search(r"\bHONOURED\b", rest):
            yield name


def test_every_honoured_setting_has_a_scenario():
    text = "\n".join(path.read_text() for path in scenarios.SCENARIOS.rglob("*.scenario"))
    named = set(re.findall(r"\b([A-Z][A-Za-z0-9]+)[=,]", text))
    names = [name for table in TABLES for name in honoured(table)]
    assert len(names) > 150, "the tables are not read as they are written"
    missing = [name for name in names if name not in named and name not in WITHOUT]
    assert not missing, f"no scenario sets {', '.join(missing)}"
    assert not [name for name in WITHOUT if name in named], "WITHOUT names what has a scenario"
