"""`reeve why` on the broken services of tests/failures, in a machine that reeve's manager runs.

A sample that covers the ways in which causes are proven; with FAILURES=all every case that the machine
can have."""
import importlib.util
import json
import os
import pathlib
import shlex
import sys

import pytest

import why_report

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "differential"))
import machine as machines  # noqa: E402

_spec = importlib.util.spec_from_file_location("failures_run", HERE.parent / "failures" / "run.py")
runner = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(runner)

# By the unit's files, the launch report, a probe, the manager's record, a trace; and what is well or unknown.
SAMPLE = """
    unit-masked--forgotten exec-relative--bin-slash exec-env-prefix--startpre inline-comment--workdir
    env-file-missing--second-of-two user-missing--new-machine workdir-missing--is-a-file
    exec-not-found--renamed-in-upgrade exec-user-denied--private-home exec-crlf--second-line
    namespace-path-missing--bind-paths condition-unmet--assert dependency-failed--requisite-not-running
    ordering-cycle--job-dropped install-missing--wanted-by-login start-limit-mask--restarts-by-hand
    port-in-use--udp port-in-use--log-blames-config state-permission--silent fs-readonly-protect--sysctl
    dependency-not-ready--unix-socket-absent notify-wrong-pid--python-worker seccomp-kill--errno-eperm
    cap-missing--setuid-to-worker config-invalid--ini-without-path-in-log path-minimal--python-subprocess
    simple-but-daemonizes--python-double-fork stale-lock--excl-file ordering-cycle--three-units
    exec-loader-missing--interpreter-of-script group-not-member--log-of-others noexec-mount--helper-of-node
    pam-refused--expired-account running-not-serving--ruby-rescues notify-socket-unset--env-cleared killed-by-outsider--rotation-job
    none--running-service none--finished-oneshot unknown--exits-42
""".split()

# Held by real systemd alone: 257 behaves otherwise than 252, or reeve does not lose the lines (LogRateLimit* of units).
NOT_HERE = {"nnp-setuid--implied", "log-lines-lost--burst-of-python"}


def cases():
    names = None if os.environ.get("FAILURES") == "all" else SAMPLE
    return [case for case in runner.find_cases(names) if case.name not in NOT_HERE]


def why_not():
    reason = machines.missing()
    if reason:
        return reason
    return None if os.environ.get("REEVE") else "REEVE does not name the binary"


pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


@pytest.fixture
def box():
    """A machine for each case: nothing has to be cleaned up, and none sees another's journal."""
    with machines.Machine(["/usr/local/bin/reeve", "init"], reeve=os.environ["REEVE"], name="failures") as machine:
        prefix = [*machine.prefix, "env", "-i", f"PATH={machines.PATH}", "HOME=/root", "LANG=C.UTF-8"]
        yield runner.Machine(shlex.join(map(str, prefix)))


@pytest.mark.parametrize("case", cases() if why_not() is None else [], ids=lambda case: case.name)
def test_why(box, case):
    missing = case.missing_packages(box)
    if missing:
        pytest.skip(f"needs the packages {' '.join(missing)}")
    if "pam" in case.needs and not pathlib.Path(os.environ["REEVE"]).with_name("reeve-pam").exists():
        pytest.skip("needs reeve-pam beside the binary")
    recorder = Recorder(box)
    answer, right, proven, fixable = case.ask(recorder)
    assert why_report.complaints(json.loads(recorder.report)) == []
    if not right:
        report = box.run("reeve", "why", case.unit, "-o", "json").stdout.decode(errors="replace")
        if "may not be traced" in report:
            pytest.skip("the manager may not be traced here")
        pytest.fail(f"{answer} in place of {case.cause}; asked again: {report}")
    assert proven, f"{answer} lacks one of {case.must}: {say(box, case)}"
    assert fixable, f"{answer} has no fix like {case.fix_any}: {say(box, case)}"


class Recorder:
    """The machine, which keeps what `reeve why` said in it."""

    def __init__(self, box):
        self._box = box
        self.report = "null"

    def run(self, *argv, **options):
        done = self._box.run(*argv, **options)
        if argv[:2] == ("reeve", "why"):
            self.report = done.stdout
        return done

    def __getattr__(self, name):
        return getattr(self._box, name)


def say(box, case):
    done = box.run("reeve", "why", case.unit, "-o", "json")
    return json.dumps(json.loads(done.stdout or "null"), indent=1)
