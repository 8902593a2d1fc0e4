"""What `reeve log` has beyond journalctl, on the files of systemd 257: noisy.service said 600 lines in each of two boots,
fails.service failed in each."""
import os
import pathlib
import re
import subprocess

import pytest

from test_journal_compare import unpack
from test_journal_options import ask


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return str(unpack("systemd-257", tmp_path_factory.mktemp("journals")))


def lines(files, *arguments):
    done = ask("-D", files, "-q", "-o", "cat", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_what_is_not(files):
    everything = lines(files)
    assert len(lines(files, "PRIORITY=6")) + len(lines(files, "PRIORITY!=6")) == len(everything)
    noisy = lines(files, "-u", "noisy", "-t", "sh")
    assert lines(files, "-u", "noisy", "-t", "sh", "PRIORITY!=3") == [m for m in noisy if not m.startswith("error")]
    assert not [m for m in lines(files, "--exclude-identifier=sh", "_TRANSPORT=stdout") if m == "dying"]


def test_failures(files):
    last = ["Started fails.service.", "dying",
            "fails.service: Main process exited, code=exited, status=3/NOTIMPLEMENTED",
            "fails.service: Failed with result 'exit-code'."]
    assert lines(files, "-u", "fails", "--failure=last") == last
    assert lines(files, "-u", "fails", "--failure=last", "--context=0") == last
    everything = lines(files)
    around = lines(files, "-u", "fails", "--failure=last", "--context=3")
    assert around[3:-3] == last and len(around) == len(last) + 6
    at = next(i for i in range(len(everything)) if everything[i:i + len(around)] == around)
    assert at > len(everything) // 2
    done = ask("-D", files, "-u", "noisy", "--failure=first")
    assert done.returncode == 1 and "no failure" in done.stderr
    assert "--context= goes with --failure=" in ask("-D", files, "--context=3").stderr


def test_the_first_failure_is_that_of_the_last_series(reeve):
    reeve.write("again.service", """
        [Unit]
        StartLimitBurst=3
        [Service]
        ExecStart=/bin/sh -c 'n=$(cat /run/n 2>/dev/null || echo 0); echo $((n + 1)) >/run/n; echo run $n; exit 1'
        Restart=on-failure
        RestartSec=0
    """)
    reeve.ctl("daemon-reload")
    reeve.ctl("start", "again.service")
    reeve.wait("again.service", SubState="failed", timeout=30)
    reeve.ctl("log", "--sync")
    for which, said in (("first", "run 0"), ("last", "run 2")):
        out = reeve.ctl("log", "-o", "cat", "-u", "again", f"--failure={which}", "_TRANSPORT=stdout")
        assert out.split("\n")[:-1] == [said]


def test_invocations(files):
    listed = ask("-D", files, "-u", "fails", "--list-invocations").stdout
    ids = re.findall(r"[0-9a-f]{32}", listed)
    assert len(ids) == 2
    for number, offset in (("1", "-1"), ("2", "0")):
        one = lines(files, "-u", "fails", f"--invocation={offset}")
        assert "Started fails.service." in one and one == lines(files, f"--invocation={ids[int(number) - 1]}")
        assert one == lines(files, "-u", "fails", f"--invocation={number}")


def test_logfmt(files):
    line, = lines(files, "-o", "logfmt", "-u", "fails", "-n", "1")
    assert re.match(r"time=2026-11-22T\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d ", line)
    assert ' message="fails.service: Failed with result \'exit-code\'."' in line and " unit=fails.service" in line


def test_top(files):
    rows = ask("-D", files, "--top").stdout.splitlines()
    assert rows[0].split() == ["COUNT", "SHARE", "LEVEL", "UNIT", "MESSAGE"]
    assert [row.split(maxsplit=4) for row in rows[1:3]] == [
        ["600", rows[1].split()[1], "err", "noisy.service", "error #"],
        ["600", rows[2].split()[1], "info", "noisy.service", "line # of noise"]]


def test_times_that_people_write(files):
    assert lines(files, "--since=2026-11-22 21:00", "--until=2026-11-22 23:00")
    for when in ("yesterday 09:00", "today 0:00", "tomorrow 12:30:01", "yesterday", "now", "-1h", "2 days ago", "9am", "noon",
                 "last monday at 9:30pm", "an hour ago", "last week", "1h", "22 Nov 2026", "2026-11-22T21:00+0100"):
        assert ask("-D", files, f"--since={when}").returncode == 0, when
    assert lines(files, "--since=22 nov 2026, 9 pm", "--until=2026/11/22 23:00") == \
        lines(files, "--since=2026-11-22 21:00", "--until=2026-11-22 23:00")
    for option, when in (("since", "last night"), ("until", "5")):
        done = ask("-D", files, f"--{option}={when}")
        assert done.returncode == 2 and f"--{option}={when} is not a time; take " in done.stderr


def test_analyze_shows_the_times_that_people_write(tmp_path):
    """But as systemd-analyze it says what systemd's says."""
    link = tmp_path / "systemd-analyze"
    link.symlink_to(pathlib.Path(os.environ["REEVE"]).resolve())
    command = ["timestamp", "22 Nov 2026 9pm UTC"]
    ours = subprocess.run([os.environ["REEVE"], "analyze", *command], capture_output=True, text=True, timeout=30)
    assert ours.returncode == 0 and "@1795381200" in ours.stdout
    theirs = subprocess.run([link, *command], capture_output=True, text=True, timeout=30)
    assert theirs.returncode == 1 and "Invalid argument" in theirs.stderr


def test_output_that_cannot_be_written_is_said(files):
    with open("/dev/full", "w") as full:
        done = subprocess.run([os.environ["REEVE"], "log", "-q", "-D", files], stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=60)
    assert done.returncode == 1 and done.stderr == "reeve log: the output cannot be written: No space left on device\n"
    read, write = os.pipe()
    os.close(read)  # who has read enough is no fault
    done = subprocess.run([os.environ["REEVE"], "log", "-q", "-D", files], stdout=write, stderr=subprocess.PIPE, text=True,
                          timeout=60)
    os.close(write)
    assert done.returncode == 0 and not done.stderr


def test_damaged_file(files, tmp_path):
    """Whatever leads to the entries is damaged, they are found; it is said once, not where a program reads."""
    source = next(f for f in pathlib.Path(files).rglob("system@*.journal"))
    whole = lines(str(source.parent), "--file", str(source), "_TRANSPORT=stdout")
    file = tmp_path / "system.journal"
    data = bytearray(source.read_bytes())
    for at in (0, 24, 104, 152, 184):  # signature, id of the file, where a table is, number of entries, first time
        data[at] ^= 4
        file.write_bytes(data)
        data[at] ^= 4
        assert ask("--file", str(file), "-o", "cat", "_TRANSPORT=stdout").stdout.splitlines() == whole
        done = ask("--file", str(file), "_TRANSPORT=stdout")
        assert done.stderr.count(f"{file} is damaged, and read as far as it is sound") == 1
        assert not ask("--file", str(file), "-o", "json", "-n", "5").stderr
        done = ask("--verify", "--file", str(file))
        assert done.returncode == 1 and f"FAIL: {file}" in done.stderr
    file.write_text("no journal\n" * 1000)
    done = ask("--file", str(file))
    assert done.returncode == 1 and "damaged or no journal file" in done.stderr
