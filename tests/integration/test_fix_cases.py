"""Fixes of the broken services of tests/failures that are tried: they are seen to work, and nothing is changed."""
import json

import pytest

import why_report
from test_failures import box, runner, why_not  # noqa: F401
from test_fix import STATE

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

# Drop-ins and commands: of files, users, units, and of what another unit holds.
SAMPLE = """
    user-missing--supplementary exec-not-executable--copied-by-scp exec-relative--bin-slash unit-masked--runtime
    path-minimal--python-subprocess notify-never-ready--status-only run-dir-missing--socket-of-perl
    port-in-use--log-blames-config state-permission--silent stale-lock--excl-file env-syntax--export
    exec-crlf--script-from-windows group-not-member--control-socket
""".split()


def state(box):
    return set(box.run("sh", "-c", STATE).stdout.decode(errors="replace").splitlines())


@pytest.mark.parametrize("case", runner.find_cases(SAMPLE), ids=lambda case: case.name)
def test_the_fix_is_seen_to_work(box, case):  # noqa: F811
    if missing := case.missing_packages(box):
        pytest.skip(f"needs the packages {' '.join(missing)}")
    case.broken(box)
    # Once without trying, so that what running it again leaves behind is not held against the fix.
    box.run("reeve", "why", case.unit)
    before = state(box)
    done = box.run("reeve", "why", "--try-fix", case.unit, "-o", "json")
    report = json.loads(done.stdout)
    assert why_report.complaints(report) == []
    if any("can be laid" in line or "cannot be made" in line for line in report["blind"]):
        pytest.skip(f"no copy of a machine can be made here: {report['blind']}")
    verified = [f for f in report["cause"]["fixes"] if f.get("verified")]
    assert verified, f"{done.stderr.decode()}\n{json.dumps(report, indent=1)}"
    changed = before ^ state(box)
    assert not changed
