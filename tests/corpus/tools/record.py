#!/usr/bin/env python3
"""Records what the small tools of systemd print: standard output, standard error, exit status.

    record.py ROOT      a root file system with systemd 257, entered by chroot

writes escape.jsonl and analyze.jsonl beside this file: a header that names the version, then one run a line.
"From now" moves on with the clock, so that its value is recorded as "*"; distances are recorded in ../time.
tests/integration/test_small_tools.py replays the runs.
"""
import json
import random
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
LONG = "x" * 300

ESCAPE = [
    ["a b/c", ".x", "ä", ""], [], ["-p", "/a//b/", "/", "./a"], ["-p", "."], ["-p", "../x"], ["-p", "/a/../b"],
    ["-p", "a/../b"], ["-p", ""], ["-p", "///"], ["-p", "ä/ö"], ["-p", ".hidden", "/.x", "a/.b"], ["a", "-p", "/b/c"],
    ["-p", "/a b", "relative"], ["-u", r"a\x20b-c"], ["-u", r"a\xzz"], ["-u", r"\x00"], ["-u", r"\x"], ["-u", "a\\"],
    ["-u", "--", "", "a", "-b"], ["-u", r"\X41"], ["-u", r"\x4"], ["-u", r"\u0041"], ["-u", r"\xC3\xa4"],
    *[["-u", "-p", "--", x] for x in ["a-b", "-", "", "a--b", "a-.-b", ".a", "a-", r"a\x2fb", r"\x2e\x2e", r"a-\x2e",
                                      "x-..-y", "-a", r"\x2fa"]],
    ["--suffix=service", "a b", "x"], ["--suffix=mount", "-p", "/var/lib"], ["--suffix=bogus", "x"], ["--suffix=", "x"],
    ["--suffix=service", ""], ["--suffix=.service", "x"], ["--suffix=service", LONG],
    ["--template=foo@.service", "a b", "c"], ["-p", "--template=foo@.service", "/var/log"],
    ["--template=foo@.service", ""], ["--template=foo.service", "x"], ["--template=foo@bar.service", "x"],
    ["--template=foo bar", "x"], ["--template=", "x"], ["--template=foo@.service", LONG], ["--template=@.service", "x"],
    ["--template=foo@.service", "--suffix=mount", "x"], ["--template=foo@.bogus", "x"],
    ["-u", "--template=foo@.service", r"foo@a\x20b.service"], ["-u", "--template=foo@.service", "bar@a.service"],
    ["-u", "--template=foo@.service", "foo.service"], ["-u", "--template=foo@.service", "bad name@x.service"],
    ["-u", "--template=foo@.service", "foo@.service"], ["-u", "--template=foo@.service", "nosuffix"],
    ["-u", "--template=foo@.service", "foo@a.mount"], ["-u", "-p", "--template=foo@.service", "foo@var-log.service"],
    ["-u", "--instance", r"foo@a\x20b.service"], ["-u", "--instance", "foo.service"],
    ["-u", "--instance", "foo@.service"], ["-u", "--instance", "bad name@x.service"], ["-u", "--instance", "nosuffix"],
    ["-u", "-p", "--instance", "foo@var-log.service"], ["-u", "-p", "--instance", "foo@a--b.service"],
    ["-u", "-p", "foo@var-log.service"], ["-u", "foo@a.service"], ["--instance", "x"],
    ["-u", "--template=foo@.service", "--instance", "foo@x.service"], ["-u", "--suffix=service", "a.service"],
    ["-m", "foo", "foo bar", "/dev/sda", "/var/x", "a.mount", "foo@bar", "a*b"], ["-m", ""], ["-m", "."], ["-m", "a", ""],
    *[["-m", x] for x in ["foo.bar", "foo@.service", "a b.service", "foo.service.bar", "@", "foo@bar@baz", "@x",
                          "-.mount", "/", "//dev//sda", "/sys/x", "a?b", "a:b", "...", "/dev/../x", "Fo$o.timer",
                          "x.service/", "a\nb", "ä", r"a\x20b", "a\\b", "\\", "foo@a b", "foo@a/b.service", "/proc",
                          "/dev", "/sys", "dev/sda", "a/b", "/a b", "/a/./b", "foo.socket", "foo.SERVICE", ".service",
                          "foo.", "foo@", "foo@b.target", LONG]],
    ["-m", "--suffix=mount", "/var/x"], ["-m", "--template=foo@.service", "a"], ["-m", "-p", "x"], ["-m", "-u", "x-y"],
    ["-u", "-m", "x-y"], ["-x"], ["--nosuch", "x"], ["--suffix"], ["a", "--", "-b"], ["a\nb", "a:b_c.d", "a\\b", "A-Z"],
    ["~!#$%^&()=+[]{}|;'\",<>?"], ["\x01\x7f\t"], ["--unesc", r"\x41"], ["--in", "x"], ["..", ".a.", "a."],
]

ZONES = ["UTC", "Europe/Berlin", "America/New_York"]
ANALYZE = [
    ["calendar"], ["timespan"], ["timestamp"], ["calendar", "--base-time=2026-06-01", "bad", "daily", "bad"],
    ["calendar", "--base-time=2026-06-01", "daily", "hourly"],
    ["calendar", "--base-time=2026-06-01", "*-*-* 12:00:00"], ["timespan", "1", "bad", "2"], ["timespan", "5us", "1500us", "1h"],
    ["timestamp", "@1", "bad", "2000-01-01"], ["timestamp", "@0", "@0.000001", "@infinity"],
    ["timespan", "--", "-5"], ["-q", "timespan", "--", "-5"], ["timestamp", "0"], ["calendar", "+5"], ["calendar", "5min"],
    ["timestamp", "daily"], ["timestamp", "Mon"], ["timespan", "daily"], ["timespan", "2000-01-01"],
    ["timespan", "@5"], ["timespan", ""], ["timestamp", ""], ["calendar", ""], ["timespan", "now"], ["calendar", "now"],
    ["calendar", "--iterations=3", "@1234567890"], ["calendar", "--iterations=0", "daily"],
    ["calendar", "--iterations=5", "--base-time=2026-06-01", "2027-1-1"],
    ["calendar", "--iterations", "2", "--base-time", "@0", "1970-1-5"], ["calendar", "--iterations=x", "daily"],
    ["calendar", "--iterations=-1", "daily"], ["calendar", "--base-time=foo", "daily"], ["calendar", "--base-time=@-1", "x"],
    ["calendar", "--base-time=2027-06-01", "--iterations=2", "12:00 UTC"], ["timespan", "-x"], ["timespan", "--nosuch"],
    ["timespan", "--iter=3", "4"], ["--no-pager", "timespan", "4"], ["--user", "timespan", "4"],
    ["--system", "timespan", "4"], ["calendar", "--iterations"], ["timestamp", "2012-11-23 11:12:13.5 UTC"],
    *[["exit-status", "--", *x.split()] for x in
      ["", "0 1 FOO", "SUCCESS", "203", "EXEC 64 255", "256", "-1", "9", "15 x 3", "exec", "09", "0x10", "NUMA_POLICY 223"]],
]


def random_runs(rng):
    chars = "ab-_.:/\\@ ä%\n*x2"
    for _ in range(60):
        word = "".join(rng.choice(chars) for _ in range(rng.randint(1, 9)))
        yield rng.choice([["--"], ["-p", "--"], ["-u", "--"], ["-u", "-p", "--"], ["-m", "--"]]) + [word]


def corpus(name, column):
    rows = (HERE.parent / "time" / name).read_text().splitlines()[1:]
    return [row.split("\t") for row in rows]


def analyze_runs(rng):
    # Elapses are counted from a base time wherever there are any, or the rows would age.
    for i, args in enumerate(ANALYZE):
        yield ZONES[i % 3], args
    for text, *_ in rng.sample(corpus("span.tsv", 0), 40):
        yield "UTC", ["timespan", "--", text]
    for zone, text, *_ in rng.sample(corpus("stamp.tsv", 1), 50):
        yield zone, ["timestamp", "--", text]
    for zone, base, text, *_ in rng.sample(corpus("calendar.tsv", 2), 70):
        yield zone, ["calendar", f"--iterations={rng.randint(1, 4)}", "--base-time", base, "--", text]


def run(root, tool, zone, args):
    done = subprocess.run(["chroot", root, "env", "-i", "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", f"TZ={zone}", tool, *args],
                          capture_output=True, stdin=subprocess.DEVNULL)
    out = re.sub(r"(?m)^( *From now:) .*$", r"\1 *", done.stdout.decode())
    return {"tool": tool, "tz": zone, "args": args, "status": done.returncode, "out": out, "err": done.stderr.decode()}


def write(name, version, rows):
    with open(HERE / name, "w") as file:
        for row in [{"version": version, "made by": "record.py"}, *rows]:
            print(json.dumps(row, ensure_ascii=False), file=file)
    print(f"{name}: {len(rows)} runs")


def main():
    root = sys.argv[1]
    version = run(root, "systemd-escape", "UTC", ["--version"])["out"].splitlines()[0]
    rng = random.Random(257)
    write("escape.jsonl", version, [run(root, "systemd-escape", "UTC", args) for args in [*ESCAPE, *random_runs(rng)]])
    write("analyze.jsonl", version, [run(root, "systemd-analyze", zone, args) for zone, args in analyze_runs(rng)])


main()
