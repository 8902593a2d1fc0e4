"""`reeve log` against journalctl 257 and 252 on files that real journald (252 and 257) wrote: the same bytes,
for json the same values.

journals/expected.json has what journalctl 257 printed, as hashes, expected-252.json what 252 did:

    REEVE=build/src/reeve python3 test_journal_compare.py --record 'chroot ROOT journalctl' ROOT [252]

records it anew; ROOT is a Debian 13 (12) root file system."""
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tarfile

import pytest

from test_journal_collect import Collector, stop_all  # noqa: F401

HERE = pathlib.Path(__file__).resolve().parent / "journals"
EXPECTED = HERE / "expected.json"
REEVE = os.environ.get("REEVE", "reeve")
EXPECTED_252 = HERE / "expected-252.json"
SUITES = ["systemd-252", "systemd-257"]

COMBINATIONS = """
-n 5
-n 0
-n +5
-n all
-r
-r -n 7
-n 5 -o short-precise -r
-o short
-o short-full
-o short-iso
-o short-iso-precise
-o short-precise
-o short-monotonic
-o short-delta
-o short-unix
-o with-unit
-o verbose
-o export
-o cat
-o json
-u noisy
-u noisy -n 3
-u noisy.service -o cat
-u fails -o verbose
-u no*
-u nonexistent
-u noisy -u fails
-u system.slice
-t systemd
-t systemd -t mytag
-T systemd
-p err
-p warning -n 20
-p 3..4
-p info..info
--facility=daemon
--facility=user,3
-g error
-g ERROR
-g Error
-g hello|dying
-g line -n 5
-g noise --case-sensitive=yes
-g NOISE --case-sensitive=no
-k
-b
-b 0
-b -0
-b 1
-b -1 -n 3
-b 2 -n 3
-b all -n 3
SYSLOG_IDENTIFIER=py
SYSLOG_IDENTIFIER=py SYSLOG_IDENTIFIER=bin
SYSLOG_IDENTIFIER=py + PRIORITY=3
PRIORITY=3 _TRANSPORT=stdout
_PID=1 -n 4
-a SYSLOG_IDENTIFIER=bin
-a SYSLOG_IDENTIFIER=esc
-a SYSLOG_IDENTIFIER=long
SYSLOG_IDENTIFIER=long
SYSLOG_IDENTIFIER=bin -o verbose
SYSLOG_IDENTIFIER=bin -o export
SYSLOG_IDENTIFIER=multi -o export
SYSLOG_IDENTIFIER=multi -o verbose
SYSLOG_IDENTIFIER=py -o cat
--no-full -n 50
--no-full
--no-hostname -n 5
--truncate-newline SYSLOG_IDENTIFIER=py
--output-fields=MESSAGE,_PID -o verbose -n 3
--output-fields=MESSAGE,_PID -o export -n 3
--show-cursor -n 2
-q -u nonexistent
-F _TRANSPORT
-F PRIORITY
-F _SYSTEMD_UNIT
-F NOSUCH
-N
--list-boots
--list-boots -q
--list-boots -n 1
--utc -n 3 -o short-full
--utc -n 3 -o verbose
-o short-iso -n 3 --utc
--since=2026-11-22
--since=2030-01-01
--until=2020-01-01
--since=@0 -n 3
--until=2040-01-01 -r -n 3
--list-invocations -u noisy
--list-invocations -u fails
--invocation=0 -u noisy
--invocation=-1 -u noisy -n 3
--invocation=1 -u fails
-I -u fails
--header
-o with-unit -u noisy -n 3
-o short-delta -r -n 5
-o json -n 20
-o json SYSLOG_IDENTIFIER=bin
-o json SYSLOG_IDENTIFIER=multi
-o json SYSLOG_IDENTIFIER=long
-o json -a SYSLOG_IDENTIFIER=long
-o json-pretty -n 5
-o json-sse -n 5
-o json-seq -n 5
-o json --output-fields=MESSAGE -n 5
-m -n 5
--system -n 5
--no-tail -n 5
-c CURSOR -n 3
--after-cursor=CURSOR -n 3
-c CURSOR -u noisy -n 3
--cursor=CURSOR -r -n 3
-c CURSOR -o cat
--after-cursor=CURSOR -u noisy
foo
-u
--since=nonsense
-p nonsense
_NOSUCH=1
""".strip().splitlines()


# What 252 does otherwise than 257, which is what reeve does as well.
OTHERWISE_252 = {
    "-n +5": "the newest", "--since=@0 -n 3": "the first of them", "-T systemd": "no such option",
    "-o short-iso": "no colon in the zone", "-o short-iso-precise": "no colon in the zone",
    "-o short-iso -n 3 --utc": "no colon in the zone", "-o short-monotonic": "not by the sender's time",
    "-o short-delta": "not by the sender's time", "-o short-delta -r -n 5": "not by the sender's time",
    "--truncate-newline SYSLOG_IDENTIFIER=py": "cut off with the entry", "--header": "fewer flags are known",
    "--list-invocations -u noisy": "no such option", "--list-invocations -u fails": "no such option",
    "--invocation=0 -u noisy": "no such option", "--invocation=-1 -u noisy -n 3": "no such option",
    "--invocation=1 -u fails": "no such option", "-I -u fails": "no such option",
}


def unpack(suite, directory):
    with tarfile.open(HERE / f"{suite}.tar.xz") as archive:
        archive.extractall(directory)
    return pathlib.Path(directory) / suite


def run(command, directory, combination):
    environment = {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}
    done = subprocess.run([*command, "-D", str(directory), "--no-pager", *combination.split()],
                          capture_output=True, env=environment)
    return done.returncode, done.stdout


def cursor(directory):
    """The cursor of an entry in the middle, by reeve itself: it is compared elsewhere."""
    _, out = run([REEVE, "log"], directory, "-o export")
    all_cursors = [line[9:] for line in out.split(b"\n") if line.startswith(b"__CURSOR=")]
    return all_cursors[len(all_cursors) // 3].decode()


def documents(text):
    text = text.replace("data: ", "").replace("\x1e", "")
    decoder, at, found = json.JSONDecoder(), 0, []
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if at == len(text):
            return found
        value, at = decoder.raw_decode(text, at)
        found.append(value)


def digest(combination, result, directory, numbers=True):
    """What has to be the same: the output, and whether it is an error. `numbers`: sequence numbers, which
    252 does not print, are part of that."""
    status, out = result
    if "-o json" in combination:
        out = json.dumps([{k: v for k, v in entry.items() if numbers or not k.startswith("__SEQNUM")}
                          for entry in documents(out.decode())], sort_keys=True).encode()
    if not numbers and "-o export" in combination:
        out = re.sub(rb"\n__SEQNUM=\d+\n__SEQNUM_ID=[0-9a-f]+", b"", out)
    if combination.startswith("--header"):
        out = out.replace(str(directory).encode(), b"")
        out = b"\n".join(line for line in out.split(b"\n") if not line.startswith(b"Disk usage"))
    return f"{'ok' if status == 0 else 'error'} {hashlib.sha256(out).hexdigest()}"


@pytest.fixture(scope="module", params=SUITES)
def journal(request, tmp_path_factory):
    directory = unpack(request.param, tmp_path_factory.mktemp("journals"))
    expected = json.loads(EXPECTED.read_text())[request.param]
    return directory, expected, cursor(directory)


@pytest.mark.parametrize("combination", COMBINATIONS)
def test_same_as_journalctl(journal, combination):
    directory, expected, place = journal
    result = run([REEVE, "log"], directory, combination.replace("CURSOR", place))
    assert digest(combination, result, directory) == expected[combination], \
        f"reeve log {combination}: {result[1][:2000]!r}"


@pytest.mark.parametrize("combination", [c for c in COMBINATIONS if c not in OTHERWISE_252])
def test_same_as_journalctl_252(journal, combination):
    directory, _, place = journal
    expected = json.loads(EXPECTED_252.read_text())[directory.name]
    result = run([REEVE, "log"], directory, combination.replace("CURSOR", place))
    assert digest(combination, result, directory, numbers=False) == expected[combination], \
        f"reeve log {combination}: {result[1][:2000]!r}"


def installed():
    """The version of the journalctl that is installed, and what it does otherwise than 257."""
    if not shutil.which("journalctl"):
        pytest.skip("no journalctl here")
    first = subprocess.run(["journalctl", "--version"], capture_output=True, text=True).stdout
    version = int(first.split()[1])
    if version not in (252, 257):
        pytest.skip(f"journalctl {version} is not what was compared")
    return version, OTHERWISE_252 if version == 252 else {}


def test_files_of_reeve(tmp_path):
    """Both programs on files that reeve wrote, of which one is archived and one was left by a kill."""
    version, otherwise = installed()
    collector = Collector(tmp_path)
    collector.reeve("tee", "-t", "py", "sh", "-c", "echo hello; echo '<3>error: dying' >&2; printf 'a\\tb\\n'")
    collector.send(b"MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\nPRIORITY=3\nSYSLOG_IDENTIFIER=py\nM=1\nM=2\n")
    collector.send(b"MESSAGE=\x1b[1mcolours\x1b[0m\nSYSLOG_IDENTIFIER=esc\n")
    collector.send(b"MESSAGE\n\x04\0\0\0\0\0\0\0a\xff\0b\nSYSLOG_IDENTIFIER=bin\n")
    collector.reeve("log", "--rotate")
    collector.send(b"MESSAGE=" + b"long and packed " * 500 + b"\nSYSLOG_IDENTIFIER=long\nCOUNT=7\n")
    collector.reeve("log", "--sync")
    collector.stop(signal.SIGKILL)
    collector.start()
    collector.send(b"<27>Jan  2 03:04:05 tool[77]: line of noise\n", "dev-log")
    collector.reeve("tee", "-t", "systemd", input=b"Hello again\n" * 20)
    collector.reeve("log", "--sync")
    place, compared = cursor(collector.files), 0
    for combination in COMBINATIONS:
        if combination in otherwise or "2026-11-22" in combination:
            continue
        arguments = combination.replace("CURSOR", place)
        mine, real = (run(command, collector.files, arguments) for command in ([REEVE, "log"], ["journalctl"]))
        if combination.startswith(("-F", "-N")):  # in the order in which the folder has the files
            mine, real = ((status, b"\n".join(sorted(out.split(b"\n")))) for status, out in (mine, real))
        mine, real = (digest(combination, r, collector.files, version > 252) for r in (mine, real))
        assert mine == real, f"reeve log {arguments}"
        compared += 1
    assert compared >= 100
    collector.stop()


@pytest.mark.parametrize("suite", SUITES)
def test_files_are_sound(suite, tmp_path):
    directory = unpack(suite, tmp_path)
    done = subprocess.run([REEVE, "log", "--verify", "-D", str(directory)], capture_output=True)
    assert done.returncode == 0, done.stderr
    assert b"PASS" in done.stderr and b"FAIL" not in done.stderr


def record(command, below, old=False):
    """`below`: the root that the command sees as /, where the files are unpacked to tmp/journals."""
    result = {}
    for suite in SUITES:
        directory = unpack(suite, pathlib.Path(below) / "tmp/journals")
        seen = "/" + str(directory.relative_to(below))
        place = cursor(directory)
        result[suite] = {c: digest(c, run(command, seen, c.replace("CURSOR", place)), seen, not old)
                         for c in COMBINATIONS if not old or c not in OTHERWISE_252}
    (EXPECTED_252 if old else EXPECTED).write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5) or sys.argv[1] != "--record":
        sys.exit(f"usage: {sys.argv[0]} --record COMMAND ROOT [252]")
    record(shlex.split(sys.argv[2]), sys.argv[3], sys.argv[4:] == ["252"])
