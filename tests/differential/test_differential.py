"""Every scenario under reeve, compared with what systemd did (truth/).

The reeve binary is named by the environment variable REEVE. All scenarios run in one booted
machine, together, before the first of them is judged."""
import ctypes
import functools
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import actor  # noqa: E402
import machine  # noqa: E402
import runner  # noqa: E402
import scenario as scenarios  # noqa: E402
import truth  # noqa: E402

SCENARIOS = scenarios.load()
KNOWN = truth.known()


def _missing():
    if not os.environ.get("REEVE"):
        return "REEVE does not name the reeve binary to test"
    return machine.missing() or actor.missing()


@pytest.fixture(scope="session")
def outcomes(request):
    """What happened in each chosen scenario, by name."""
    if why := _missing():
        pytest.skip(why)
    chosen = [i.callspec.params["s"] for i in request.session.items
              if hasattr(i, "callspec") and isinstance(i.callspec.params.get("s"), scenarios.Scenario)]
    with machine.Machine(["/usr/local/bin/reeve", "init"], reeve=os.environ["REEVE"]) as booted:
        seen = {s.name: o for s, o in runner.run(booted.prefix, chosen, actor.build())}
        # A crash loses nothing, so that no scenario shows it.
        console = booted.log.read_text(errors="replace")
        assert "reeve: crashed" not in console, console[-20000:]
        return seen


def _parameters():
    for s in SCENARIOS:
        why = KNOWN.get(s.name)
        marks = [pytest.mark.xfail(reason=why, strict=True)] if why else []
        yield pytest.param(s, id=s.name, marks=marks)


@functools.cache
def _user_namespaces():
    """Whether there are any: not in a chroot, not where the kernel or a container forbids them."""
    if (pid := os.fork()) == 0:
        os._exit(ctypes.CDLL(None).unshare(0x10000000) != 0)  # CLONE_NEWUSER
    return os.waitpid(pid, 0)[1] == 0


def _is_here(need):
    if need == "user-namespaces":
        return _user_namespaces()
    return (pathlib.Path(os.environ["REEVE"]).parent / need).exists()


@pytest.mark.parametrize("s", _parameters())
def test_scenario(outcomes, s):
    if s.needs and not _is_here(s.needs):
        pytest.skip(f"{s.needs}: not to be had here")
    recorded = truth.read(s)
    assert recorded is not None, "no truth is recorded: run record.py"
    difference = runner.difference(recorded, outcomes[s.name])
    if difference:
        pytest.fail("\n".join([s.about, *difference]), pytrace=False)


def test_known_names_exist():
    """A scenario that was renamed must not stay in known.txt."""
    assert set(KNOWN) <= {s.name for s in SCENARIOS}


def test_difference_is_seen():
    """The comparison itself: it must notice each kind of change."""
    recorded = [{"step": "show x A", "seen": {"A": "1"}}, {"step": "file y", "seen": ["a", "b"]}]
    assert runner.difference(recorded, recorded) == []
    for i, seen in ((0, {"A": "2"}), (0, {"A": None}), (1, ["a"]), (1, None)):
        changed = [dict(step) for step in recorded]
        changed[i]["seen"] = seen
        assert runner.difference(recorded, changed), seen
    assert runner.difference(recorded, recorded[:1])
