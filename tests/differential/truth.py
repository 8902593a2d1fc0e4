"""The recorded truth: truth/VERSION/AREA/NAME.json holds what systemd VERSION did in a scenario."""
import json

import scenario as scenarios

TRUTH = scenarios.HERE / "truth"
VERSION = "257"
KNOWN = scenarios.HERE / "known.txt"


def _load(path):
    return json.loads(path.read_text()) if path.exists() else {"outcomes": {}}


def path_of(s, version=VERSION):
    return TRUTH / version / (s.file + ".json")


def read(s, version=VERSION):
    """The recorded steps of a scenario, or None."""
    return _load(path_of(s, version))["outcomes"].get(s.variant)


def write(s, version, full_version, steps):
    """Put one outcome into the file of its scenario, one step a line."""
    path = path_of(s, version)
    outcomes = _load(path)["outcomes"] | {s.variant: steps}
    parts = []
    for variant in sorted(outcomes):
        lines = ",\n".join("  " + json.dumps(o, ensure_ascii=False) for o in outcomes[variant])
        parts.append(f" {json.dumps(variant)}: [\n{lines}]")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"systemd": %s, "outcomes": {\n%s}}\n' % (json.dumps(full_version),
                                                           ",\n".join(parts)))


def known():
    """Scenarios in which reeve is known to differ: name -> why. (known.txt: "NAME: why" lines.)"""
    result = {}
    if KNOWN.exists():
        for line in KNOWN.read_text().splitlines():
            if line.strip() and not line.startswith("#"):
                name, _, why = line.partition(": ")
                result[name] = why
    return result
