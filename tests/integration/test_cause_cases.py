"""What the cases of causes have to be: enough of them for each cause, and logs among them that mislead.

Those with a truth.json are known to others as well (recorded on systemd 252, the same for everybody who works on this);
each cause has two more that are this project's own, as broken services or as recorded facts."""
import collections
import json
import pathlib
import re

TESTS = pathlib.Path(__file__).resolve().parents[1]
CAUSES = re.findall(r'^CAUSE\(\w+, "([a-z0-9-]+)"', (TESTS.parent / "src/diagnose/causes.def").read_text(), re.M)
FOLDERS = [path.parent for path in sorted((TESTS / "failures").glob("*/case.json"))]
FACTS = sorted((TESTS / "corpus" / "facts").glob("*.json"))


def test_each_cause_has_two_cases_of_its_own():
    own = collections.Counter(folder.name.split("--")[0] for folder in FOLDERS if not (folder / "truth.json").exists())
    own.update(cause for path in FACTS if (cause := json.loads(path.read_text())["cause"]))
    assert len(CAUSES) == 98
    assert {cause: own[cause] for cause in CAUSES if own[cause] < 2} == {}


def test_ten_logs_that_mislead():
    misleading = [path for path in FACTS if path.name.startswith("misleading--")]
    assert len(misleading) >= 10
    for path in misleading:
        facts = json.loads(path.read_text())
        assert any(not line["manager"] for line in facts["journal"]), f"{path.name} says nothing"
    assert len([folder for folder in FOLDERS if "log-blames" in folder.name]) >= 2


def test_each_case_can_be_run_and_scored():
    for folder in FOLDERS:
        case = json.loads((folder / "case.json").read_text())
        assert folder.name.split("--")[0] == (case["cause"] or "none"), folder.name
        assert case["cause"] in {*CAUSES, "unknown", None}, folder.name
        assert (folder / "setup.sh").stat().st_mode & 0o100, folder.name
        if case["cause"] not in ("unknown", None):
            assert (folder / "fix.sh").exists() and case["must"] is not None and case["fix_any"], folder.name
