#!/usr/bin/python3
"""Benchmarks of the journal: reeve beside journalctl on the same files, alternating in one run.

    journal.py --reeve BINARY [--lines 1000000] [--rounds 5] [--journalctl COMMAND] [--keep DIR]

First a service writes the lines to reeve's collector (CPU time, bytes on disk, private memory), then
each query is asked of both programs, into a pipe whose reader counts bytes and makes a checksum.
Medians of the rounds; where the outputs have to be the same, the checksums are compared."""
import argparse
import hashlib
import os
import pathlib
import shlex
import statistics
import subprocess
import tempfile
import time

# name, arguments, whether both programs print the same bytes, what is to be reached (times faster)
QUERIES = [
    ("short", "-o short", True, 8),
    ("cat", "-o cat", True, 5),
    ("json", "-o json", False, 20),
    ("export", "-o export", False, None),
    ("grep", "-g 99999", True, 5),
    ("one field, last 20", "SYSLOG_IDENTIFIER=bench -n 20", True, None),
    ("since, first 20", "--since=@{middle} -n +20", False, None),
]

LINE = "this is log line number {} of the service, with some more text to be realistic\n"


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def private_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))


def wait_for(path):
    end = time.monotonic() + 20
    while not path.exists():
        if time.monotonic() > end:
            raise SystemExit(f"{path} never came")
        time.sleep(0.005)


def collect(options, directory):
    """Writes the lines through the collector; returns CPU seconds, bytes on disk, private KiB."""
    root, sockets, files = directory / "root", directory / "sockets", directory / "files"
    (root / "etc/systemd").mkdir(parents=True)
    files.mkdir()  # Storage=auto
    (root / "etc/systemd/journald.conf").write_text("[Journal]\nRateLimitBurst=0\n")
    (root / "etc/machine-id").write_text("0" * 31 + "1\n")
    lines = directory / "lines"
    with open(lines, "w") as f:
        f.writelines(LINE.format(i) for i in range(options.lines))
    collector = subprocess.Popen([options.reeve, "journald", f"--socket-dir={sockets}",
                                  f"--persistent-dir={files}", "--volatile-dir=none",
                                  f"--root={root}"])
    wait_for(sockets / "io.systemd.journal")
    environment = dict(os.environ, REEVE_JOURNAL_DIR=str(sockets))
    with open(lines, "rb") as f:
        # One write() a line, as services do.
        service = subprocess.Popen([options.reeve, "tee", "-t", "bench", "sed", "-u", ""], stdin=f,
                                   env=environment)
        service.wait()
    subprocess.run([options.reeve, "log", "--sync"], env=environment, check=True)
    cpu, private = cpu_seconds(collector.pid), private_kib(collector.pid)
    collector.terminate()
    collector.wait()
    lines.unlink()
    size = sum(p.stat().st_blocks * 512 for p in files.rglob("*.journal"))
    return cpu, size, private, files


def ask(command, files, arguments):
    begin = time.monotonic()
    process = subprocess.Popen([*command, "--no-pager", "-D", str(files), *arguments.split()],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    digest, count = hashlib.blake2b(), 0
    while data := process.stdout.read1(1 << 20):
        digest.update(data)
        count += len(data)
    process.wait()
    return time.monotonic() - begin, count, digest.hexdigest()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--reeve", required=True)
    parser.add_argument("--lines", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--journalctl", default="journalctl")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reeve-bench-") as name:
        directory = pathlib.Path(name)
        cpu, size, private, files = collect(options, directory)
        print(f"{options.lines} lines of one service: {cpu:.2f} s CPU, {size / 2**20:.0f} MiB on "
              f"disk, {private} KiB private memory")
        programs = {"reeve": [options.reeve, "log"], "journalctl": shlex.split(options.journalctl)}
        middle = int(time.time())
        print(f"{'query':<22}{'reeve':>10}{'journalctl':>12}{'ratio':>8}  to reach")
        for title, arguments, same, goal in QUERIES:
            times = {p: [] for p in programs}
            sums = {}
            for _ in range(options.rounds):
                for program, command in programs.items():
                    seconds, _, sums[program] = ask(command, files,
                                                    arguments.format(middle=middle))
                    times[program].append(seconds)
            mine, real = (statistics.median(times[p]) for p in ("reeve", "journalctl"))
            print(f"{title:<22}{mine:>9.3f}s{real:>11.3f}s{real / mine:>8.1f}"
                  f"  {goal or '':>8}", end="")
            print("  OUTPUTS DIFFER" if same and len(set(sums.values())) > 1 else "")


if __name__ == "__main__":
    main()
