#!/usr/bin/python3
"""Benchmarks of the journal: reeve beside systemd's journald and journalctl, alternating in one run.

    journal.py --reeve BINARY [--root DIR] [--entries 1000000] [--rounds 5] [--load LOAD...]
               [--many 20000000] [--output-file FILE]

Values are CPU seconds (user and system) of the program alone, medians of the rounds. journald and
journalctl are taken from the root file system DIR, "/" by default. Of each collection every entry is
looked for in what was kept; each query goes into a pipe whose reader makes a checksum. With --many, queries of so
many entries in 100 files are compared with those of one of the files (they take 8 GB for 20 million). Needs root."""
import argparse
import collections
import hashlib
import itertools
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

DEADLINE = 600
CONF = "[Journal]\nStorage=persistent\nRateLimitBurst=0\nRateLimitIntervalSec=0\nReadKMsg=no\n" \
       "Audit=no\nSystemMaxUse=16G\n"
LINE = "this is log line number {} of the service, with some more text to be realistic"
# A collector's surroundings, with queues of datagrams as long as systemd makes them where it boots.
OWN = ["unshare", "-m", "-n", "sh", "-c", 'echo 512 >/proc/sys/net/unix/max_dgram_qlen; exec "$@"', "sh"]
JOURNALD = """
mount -t tmpfs tmpfs "$1/run" && mount --bind "$2" "$1/var/log" || exit 1
[ "$1" = / ] || { mount --rbind /dev "$1/dev"; mount --rbind /proc "$1/proc"; mount --rbind /sys "$1/sys"; }
mkdir -p "$1/run/systemd/journal" "$1/run/systemd/journald.conf.d"
printf '%s' "$3" >"$1/run/systemd/journald.conf.d/bench.conf"
: >"$1/run/systemd/journal/flushed"
exec chroot "$1" /lib/systemd/systemd-journald
"""
JOURNALCTL = """
root=$1 files=$2; shift 2
mount --bind "$files" "$root/mnt" && exec chroot "$root" journalctl -D /mnt "$@"
"""



def connect(sockets, name, kind):
    s = socket.socket(socket.AF_UNIX, kind)
    end = time.monotonic() + DEADLINE
    while True:
        try:
            s.connect(str(sockets / name))
            return s
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.01)


def lines(entries):
    return [f"{LINE.format(i)}\n".encode() for i in range(entries)]


def messages(entries):
    """Messages of 12 fields, of which three differ each time."""
    rest = "PRIORITY=6\nSYSLOG_IDENTIFIER=bench\nSYSLOG_FACILITY=3\nCODE_FILE=src/server/request.c\n" \
           "CODE_LINE=217\nCODE_FUNC=request_done\nMETHOD=GET\nSTATUS=200\nCOMPONENT=frontend\n"
    return [f"MESSAGE={LINE.format(i)}\nREQUEST_ID={i * 7919:016x}\nTOOK_USEC={i % 5000}\n{rest}"
            .encode() for i in range(entries)]


def write_lines(sockets, entries, services):
    """By turns from each of the services."""
    streams = []
    for i in range(services):
        s = connect(sockets, "stdout", socket.SOCK_STREAM)
        s.sendall(f"bench\nbench{i}.service\n6\n0\n0\n0\n0\n".encode())
        streams.append(s)
    send_all(itertools.cycle([s.sendall for s in streams]), lines(entries))
    for s in streams:
        s.close()


def write_messages(sockets, entries):
    send_all(itertools.repeat(connect(sockets, "socket", socket.SOCK_DGRAM).send), messages(entries))


def send_all(functions, texts):
    """One write() each, and nothing else between them: a slow writer lets the collector go to sleep
    after each, and what is measured then is how this machine wakes processes."""
    collections.deque(map(lambda f, text: f(text), functions, texts), maxlen=0)


LOADS = {
    "lines of 1 service": lambda s, n: write_lines(s, n, 1),
    "lines of 100 services": lambda s, n: write_lines(s, n, 100),
    "messages of 12 fields": write_messages,
}

# name, arguments, whether both programs print the same bytes, what is to be reached (times faster)
QUERIES = [
    ("short", "-o short", True, 8),
    ("cat", "-o cat", True, 5),
    ("json", "-o json", False, 20),
    ("export", "-o export", False, None),
    ("grep", "-g 99999", True, 5),
    ("one unit, last 20", "-u bench0.service -n 20", True, None),
    ("since, first 20", "--since=@{middle} -n +20", False, None),
    ("one field, last 20", "SYSLOG_IDENTIFIER=bench -n 20", True, None),
]

# name, arguments: at most so many times as slow on 100 files as on one of them
MANY_FILES = 100
MANY = [
    ("one unit, last 20", "-u bench7.service -n 20", 2),
    ("since, first 20", "--since=@{middle} -n +20", 2),
    ("since, last 20", "--since=@{middle} -n 20", 2),
    ("one field, first 20", "SYSLOG_IDENTIFIER=bench -n +20", 2),
    ("one field, last 20", "SYSLOG_IDENTIFIER=bench -n 20", 2),
]


class Reeve:
    name = "reeve"

    def __init__(self, options):
        self.binary = os.path.abspath(options.reeve)

    def collector(self, directory, more=""):
        root, files = directory / "root", directory / "files"
        (root / "etc/systemd").mkdir(parents=True)
        files.mkdir()
        (root / "etc/systemd/journald.conf").write_text(CONF + more)
        (root / "etc/machine-id").write_text("0" * 31 + "1\n")
        process = subprocess.Popen([*OWN, self.binary, "journald", f"--socket-dir={directory}/sockets",
                                    f"--persistent-dir={files}", "--volatile-dir=none",
                                    f"--root={root}"], stderr=subprocess.DEVNULL)
        return process, directory / "sockets", files

    def query(self, files, arguments):
        return [self.binary, "log", "--no-pager", "-D", str(files), *arguments]


class Systemd:
    name = "systemd"

    def __init__(self, options):
        self.root = options.root.rstrip("/") or "/"

    def why_not(self):
        program = os.path.join(self.root, "lib/systemd/systemd-journald")
        return None if os.access(program, os.X_OK) else f"{program} is not installed"

    def collector(self, directory):
        files = directory / "files"
        (files / "journal").mkdir(parents=True)
        process = subprocess.Popen([*OWN, "sh", "-c", JOURNALD, "sh", self.root, str(files),
                                    CONF], stderr=subprocess.DEVNULL)
        # Not below the root of this process: mounts of the other's own namespace.
        root = pathlib.Path(f"/proc/{process.pid}/root")
        return process, root / "run/systemd/journal", files / "journal"

    def query(self, files, arguments):
        if self.root == "/":
            return ["journalctl", "--no-pager", "-D", str(files), *arguments]
        return ["unshare", "-m", "sh", "-c", JOURNALCTL, "sh", self.root, str(files), "--no-pager",
                *arguments]


def cpu(pid):
    """Seconds that the process has run, user and system, to the nanosecond."""
    threads = pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(t.read_text().split()[0]) for t in threads) / 1e9


def settled(pid):
    last = -1.0
    while (now := cpu(pid)) > last + 0.0005:
        last = now
        time.sleep(0.5)
    return now


def private_kib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon"))


Collected = collections.namedtuple("Collected", "cpu disk private lost")


def collect(system, reeve, load, entries, directory):
    """Writes the load through the collector."""
    process, sockets, files = system.collector(directory)
    try:
        connect(sockets, "socket", socket.SOCK_DGRAM).close()
        before = settled(process.pid)
        LOADS[load](sockets, entries)
        used = settled(process.pid) - before
        private = private_kib(process.pid)
    finally:
        process.terminate()
        process.wait(DEADLINE)
    size = sum(p.stat().st_blocks * 512 for p in files.rglob("*.journal"))
    listing = subprocess.Popen([*reeve.query(files, ["-o", "cat"])], stdout=subprocess.PIPE, text=True)
    begin = LINE.partition("{}")[0]
    kept = {line[len(begin):].partition(" ")[0] for line in listing.stdout if line.startswith(begin)}
    listing.wait()
    return Collected(used, size, private, entries - len(kept)), files


def ask(command):
    """CPU seconds, and a checksum of what it printed."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    digest = hashlib.blake2b()
    while data := process.stdout.read1(1 << 20):
        digest.update(data)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    return usage.ru_utime + usage.ru_stime, digest.hexdigest()


class Table:
    def __init__(self, file):
        self.file = file
        self.row("", "reeve", "systemd", "ratio", "to reach")

    def row(self, name, own, other, ratio, goal):
        line = f"{name:<44}{own:>12}{other:>12}{ratio:>8}  {goal}"
        for out in filter(None, (sys.stdout, self.file)):
            print(line.rstrip(), file=out, flush=True)

    def compare(self, name, own, other, goal, text, more=""):
        ratio = other / own if other is not None and own else None
        verdict = "" if goal is None or ratio is None else \
            f">= {goal:g}: " + ("yes" if ratio >= goal else "NO")
        self.row(name, text.format(own), "-" if other is None else text.format(other),
                 "-" if ratio is None else f"{ratio:.1f}", verdict + more)


def bench_collect(options, systems, table, directory):
    """Returns a folder of files with the lines of one service."""
    kept = None
    for number, load in enumerate(options.load):
        values = collections.defaultdict(list)
        for i in range(options.rounds):
            for system in systems:
                where = directory / f"{system.name}-{number}-{i}"
                where.mkdir()
                value, files = collect(system, systems[0], load, options.entries, where)
                values[system.name].append(value)
                # Of journald, if there is one: its file is the same for both.
                if number == 0 and i == 0 and system is systems[-1]:
                    kept = files
                else:
                    shutil.rmtree(where)
        for field, name, text, goal in (
                ("cpu", "{n} {load}: CPU", "{:.3f} s", 5), ("disk", "  bytes on disk", "{:.0f} M", 1)):
            numbers = {s: statistics.median(getattr(v, field) for v in vs) for s, vs in values.items()}
            if field == "disk":
                numbers = {s: n / 1e6 for s, n in numbers.items()}
            table.compare(name.format(n=options.entries, load=load), numbers["reeve"],
                          numbers.get("systemd"), goal, text)
        private = max(v.private for v in values["reeve"])
        table.row("  private memory", f"{private} K", "", "",
                  "<= 8192 K: " + ("yes" if private <= 8192 else "NO"))
        lost = {s: sum(v.lost for v in vs) for s, vs in values.items()}
        table.row("  entries lost", lost["reeve"], lost.get("systemd", ""), "",
                  "none: " + ("yes" if lost["reeve"] == 0 else "NO"))
    return kept


def bench_queries(options, systems, table, files):
    for title, arguments, same, goal in QUERIES:
        times, sums = collections.defaultdict(list), {}
        for _ in range(options.rounds):
            for system in systems:
                words = arguments.format(middle=int(time.time())).split()
                seconds, sums[system.name] = ask(system.query(files, words))
                times[system.name].append(seconds)
        medians = {s: statistics.median(t) for s, t in times.items()}
        table.compare(title, medians["reeve"], medians.get("systemd"), goal, "{:.3f} s",
                      "  OUTPUTS DIFFER" if same and len(set(sums.values())) > 1 else "")


def bench_many(options, reeve, table, directory):
    # A file is full when three quarters of its hash table are, which has a place for 576 bytes of it.
    size = options.many // MANY_FILES * 4 // 3 * 576 * 101 // 100
    process, sockets, files = reeve.collector(directory, f"SystemMaxFileSize={size}\nSystemMaxFiles=1000\n")
    for _ in range(10):
        write_lines(sockets, options.many // 10, 100)
    settled(process.pid)
    process.terminate()
    process.wait(DEADLINE)
    archived = sorted(files.rglob("*@*.journal"))
    one = directory / "one"
    one.mkdir()
    os.link(archived[len(archived) // 2], one / archived[0].name)

    def time_of(place, which):
        text = subprocess.run(reeve.query(place, ["-o", "short-unix", "-n", which]), capture_output=True, text=True)
        return float(text.stdout.split()[0])
    table.row(f"{options.many} entries in {len(archived) + 1} files", "many", "one", "ratio", "")
    for title, arguments, most in MANY:
        seconds = {}
        for place in (one, files):
            middle = f"{(time_of(place, '1') + time_of(place, '+1')) / 2:.6f}"
            words = reeve.query(place, arguments.format(middle=middle).split())
            seconds[place] = statistics.median(ask(words)[0] for _ in range(max(options.rounds, 3) * 3))
        ratio = seconds[files] / seconds[one]
        table.row(f"  {title}", f"{seconds[files]:.4f} s", f"{seconds[one]:.4f} s", f"{ratio:.1f}",
                  f"<= {most}: " + ("yes" if ratio <= most else "NO"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--reeve", required=True)
    parser.add_argument("--root", default="/", help="where systemd's journald and journalctl are")
    parser.add_argument("--entries", type=int, default=1000000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--load", action="append", choices=list(LOADS))
    parser.add_argument("--files", help="ask of these files only, collect nothing")
    parser.add_argument("--many", type=int, help="nothing else, but many files with one, so many entries in all")
    parser.add_argument("--output-file", type=argparse.FileType("w"))
    options = parser.parse_args()
    options.load = options.load or list(LOADS)
    systems = [Reeve(options), Systemd(options)]
    if why := systems[1].why_not():
        print(f"systemd: {why}")
        systems.pop()
    with tempfile.TemporaryDirectory(prefix="reeve-bench-") as name:
        table = Table(options.output_file)
        if options.many:
            bench_many(options, systems[0], table, pathlib.Path(name))
            return
        files = options.files or bench_collect(options, systems, table, pathlib.Path(name))
        bench_queries(options, systems, table, files)


if __name__ == "__main__":
    main()
