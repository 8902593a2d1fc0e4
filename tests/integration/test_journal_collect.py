"""The collector alone, with ordinary clients: what they send is in the files, for journalctl as well."""
import fcntl
import itertools
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

import pytest
from conftest import terminal

REEVE = os.environ.get("REEVE", "reeve")
DEADLINE = 20


def until(condition, what):
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"never: {what}")


class Collector:
    running = []  # of this test, for stop_all()

    def __init__(self, directory, before=(), settings="RateLimitBurst=0\n", arguments=()):
        self.sockets, self.files = directory / "sockets", directory / "files"
        self.files.mkdir(exist_ok=True)
        self.root = directory / "root"
        (self.root / "etc/systemd").mkdir(parents=True, exist_ok=True)
        (self.root / "etc/systemd/journald.conf").write_text("[Journal]\n" + settings)
        (self.root / "etc/machine-id").write_text("c0ffee00c0ffee00c0ffee00c0ffee00\n")
        self.before, self.arguments = list(before), list(arguments)
        self.start()

    def start(self):
        for path in self.sockets.glob("*"):
            if path.is_socket():
                path.unlink()
        self.process = subprocess.Popen(
            [*self.before, REEVE, "journald", f"--socket-dir={self.sockets}",
             f"--persistent-dir={self.files}", "--volatile-dir=none", f"--root={self.root}",
             *self.arguments])
        self.running.append(self.process)
        until((self.sockets / "io.systemd.journal").exists, "the collector listens")
        self.environment = dict(os.environ, REEVE_JOURNAL_DIR=str(self.sockets))

    def reeve(self, *arguments, **options):
        return subprocess.run([REEVE, *arguments], env=self.environment, check=True,
                              capture_output=True, **options).stdout

    def send(self, data, name="socket"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.sendto(data, str(self.sockets / name))

    def entries(self, *arguments):
        self.reeve("log", "--sync")
        text = self.reeve("log", "-D", str(self.files), "-o", "json", "--all", *arguments)
        return [json.loads(line) for line in text.splitlines()]

    def stop(self, signo=signal.SIGTERM):
        self.process.send_signal(signo)
        self.process.wait(DEADLINE)


@pytest.fixture(autouse=True)
def stop_all():
    """A test that fails leaves none behind."""
    yield
    for process in Collector.running:
        if process.poll() is None:
            process.kill()
            process.wait()
    Collector.running.clear()


@pytest.fixture
def collector(tmp_path):
    c = Collector(tmp_path)
    yield c
    c.stop()


def journalctl(*arguments):
    if not shutil.which("journalctl"):
        pytest.skip("no journalctl here")
    return subprocess.run(["journalctl", "--no-pager", *arguments], capture_output=True)


def test_stream_lines_and_levels(collector):
    collector.reeve("tee", "-t", "prog", "-p", "notice", "sh", "-c",
                    "echo out; echo '<3>bad' >&2; printf 'a\\0b\\n\\n   \\nlast'")
    seen = [(e["MESSAGE"], e["PRIORITY"], e.get("_LINE_BREAK")) for e in collector.entries()]
    assert seen == [("out", "5", None), ("bad", "3", None), ("a", "5", "nul"), ("b", "5", None),
                    ("last", "5", "eof")]
    file, = collector.files.glob("*/system.journal")
    assert file.stat().st_mode & 0o777 == 0o640
    entry = collector.entries()[0]
    assert entry["SYSLOG_IDENTIFIER"] == "prog" and entry["_TRANSPORT"] == "stdout"
    assert entry["_UID"] == str(os.getuid())


def test_trusted_fields(collector):
    with subprocess.Popen([REEVE, "tee", "sh", "-c", "echo 'a  b'; read x"], stdin=subprocess.PIPE,
                          env=collector.environment) as client:
        entry, = until(collector.entries, "the entry")
        assert entry["_PID"] == str(client.pid) and entry["_COMM"] == "sh"
        assert entry["_CMDLINE"] == "sh -c \"echo 'a  b'; read x\""
        assert entry["_EXE"] == os.readlink(f"/proc/{client.pid}/exe")
        assert entry["_MACHINE_ID"] == "c0ffee00" * 4
        client.stdin.close()


def test_long_lines_are_cut(collector):
    collector.reeve("tee", input=b"x" * 100000 + b"\nshort\n")
    entries = collector.entries()
    assert [len(e["MESSAGE"]) for e in entries] == [49152, 49152, 100000 - 2 * 49152, 5]
    assert [e.get("_LINE_BREAK") for e in entries] == ["line-max", "line-max", None, None]


def test_native_and_syslog(collector):
    collector.send(b"MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\nPRIORITY=2\nM=1\nM=2\n_PID=1\nbad=x\n")
    collector.send(b"<27>Jan  2 03:04:05 tool[77]: said so \n", "dev-log")
    native, syslog = collector.entries()
    assert native["MESSAGE"] == "two\nlines" and native["M"] == ["1", "2"]
    assert native["_PID"] == str(os.getpid()) and native["_TRANSPORT"] == "journal"
    assert "bad" not in native
    assert syslog["MESSAGE"] == "said so" and syslog["SYSLOG_IDENTIFIER"] == "tool"
    assert (syslog["PRIORITY"], syslog["SYSLOG_FACILITY"], syslog["SYSLOG_PID"]) == ("3", "3", "77")


@pytest.mark.parametrize("sealed", [True, False])
def test_payload_by_descriptor(collector, sealed):
    fd = os.memfd_create("payload", os.MFD_ALLOW_SEALING)
    os.write(fd, b"MESSAGE=" + b"z" * 500000 + b"\nPRIORITY=4\n")
    if sealed:
        fcntl.fcntl(fd, 1033, 0xf)  # F_ADD_SEALS
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.connect(str(collector.sockets / "socket"))
        socket.send_fds(s, [b""], [fd])
    os.close(fd)
    entry, = until(collector.entries, "the entry")
    assert len(entry["MESSAGE"]) == 500000


def test_datagrams_at_the_limits_of_size(collector):
    """From none to the largest that a socket takes, by both sockets; a payload that is too large costs itself."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
        buffer = s.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        largest = buffer // 2
        while True:  # the kernel counts what it needs besides
            try:
                s.sendto(b"MESSAGE=" + b"x" * (largest - 8), str(collector.sockets / "socket"))
                break
            except OSError:
                largest -= 1024
        sizes = [9, 10, 4095, 4096, 4097, 65535, 65536, 65537, largest - 1]
        for size in sizes:
            s.sendto(b"MESSAGE=" + b"x" * (size - 8), str(collector.sockets / "socket"))
            s.sendto(b"<14>t: " + b"y" * (size - 8), str(collector.sockets / "dev-log"))
        for nothing in (b"", b"\n", b"=", b"MESSAGE", b"MESSAGE=", b"MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xffx\n"):
            s.sendto(nothing, str(collector.sockets / "socket"))
            s.sendto(nothing, str(collector.sockets / "dev-log"))
        fd = os.memfd_create("payload", os.MFD_ALLOW_SEALING)
        os.ftruncate(fd, (64 << 20) + 1)
        fcntl.fcntl(fd, 1033, 0xf)
        s.connect(str(collector.sockets / "socket"))
        socket.send_fds(s, [b""], [fd])
        os.close(fd)
        s.send(b"MESSAGE=the last")
    entries = collector.entries()
    texts = [e["MESSAGE"] for e in entries if e["_TRANSPORT"] == "journal" and e["MESSAGE"]]
    assert sorted(map(len, texts)) == sorted([largest - 8] + [size - 8 for size in sizes] + [len("the last")])
    texts = [e["MESSAGE"] for e in entries if e["_TRANSPORT"] == "syslog" and "y" in e["MESSAGE"]]
    assert sorted(map(len, texts)) == sorted(size - 8 for size in sizes)


def test_clients_that_never_read_or_ask(collector):
    """None of them keeps the others from being heard."""
    asks_nothing, sockets = [], collector.sockets
    for name in ["io.systemd.journal"] * 100 + ["stdout"] * 100:
        s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        s.connect(str(sockets / name))
        asks_nothing.append(s)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.connect(str(sockets / "io.systemd.journal"))
        s.settimeout(DEADLINE)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while True:
                s.sendall(b'{"method":"org.varlink.service.GetInfo"}\0' * 100)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.connect(str(sockets / "io.systemd.journal"))
        s.settimeout(DEADLINE)
        s.sendall(b'{"method":"org.varlink.service.GetInfo"}\0' * 2)
        text = b""
        while text.count(b"\0") < 2:
            text += s.recv(65536)
    collector.reeve("tee", "-t", "prog", input=b"heard\n")
    assert [e["MESSAGE"] for e in collector.entries()] == ["heard"]
    for s in asks_nothing:
        s.close()


def test_logger(collector):
    if not shutil.which("logger"):
        pytest.skip("no logger here")
    subprocess.run(["logger", "-u", str(collector.sockets / "dev-log"), "-t", "me", "-p",
                    "user.err", "by logger"], check=True)
    entry, = collector.entries()
    assert (entry["MESSAGE"], entry["SYSLOG_IDENTIFIER"], entry["PRIORITY"]) == \
        ("by logger", "me", "3")


def test_sender_that_is_gone_is_marked(collector):
    collector.process.send_signal(signal.SIGSTOP)
    done = subprocess.run([sys.executable, "-c", "import os, socket, sys\n"
                           "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                           "s.sendto(b'MESSAGE=last words', sys.argv[1])\nprint(os.getpid())",
                           str(collector.sockets / "socket")], capture_output=True, check=True)
    collector.process.send_signal(signal.SIGCONT)
    collector.send(b"MESSAGE=alive")
    gone, alive = collector.entries()
    assert gone["_PID"] == done.stdout.decode().strip() and gone["_REEVE_SENDER_GONE"] == "1"
    assert gone["_UID"] == str(os.getuid()) and "_COMM" not in gone
    assert alive["MESSAGE"] == "alive" and "_REEVE_SENDER_GONE" not in alive


IMPOSTOR = """
import json, os, signal, socket, subprocess, sys
reeve, directory = sys.argv[1:]
collector = subprocess.Popen([reeve, "journald", f"--socket-dir={directory}/sockets", f"--root={directory}/root",
                              f"--persistent-dir={directory}/files", "--volatile-dir=none"])
environment = dict(os.environ, REEVE_JOURNAL_DIR=f"{directory}/sockets")
def send(text):
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(text, f"{directory}/sockets/socket")
while not os.path.exists(f"{directory}/sockets/io.systemd.journal"):
    os.sched_yield()
send(b"MESSAGE=begin")
subprocess.run([reeve, "log", "--sync"], env=environment, check=True)
os.kill(collector.pid, signal.SIGSTOP)
for attempt in range(50):
    sender = os.fork()
    if sender == 0:
        send(b"MESSAGE=last words %d" % attempt)
        os._exit(0)
    os.waitpid(sender, 0)
    with open("/proc/sys/kernel/ns_last_pid", "w") as last:
        last.write(str(sender - 1))
    other = subprocess.Popen(["sleep", "infinity"])
    if other.pid == sender:
        break
    other.kill()
    other.wait()
else:
    sys.exit("no number was given again")
os.kill(collector.pid, signal.SIGCONT)
subprocess.run([reeve, "log", "--sync"], env=environment, check=True)
text = subprocess.run([reeve, "log", "-D", f"{directory}/files", "-o", "json", f"_PID={sender}"],
                      capture_output=True, check=True).stdout
print(text.decode(), end="")
collector.terminate()
collector.wait()
other.kill()
"""


def test_a_process_with_the_number_of_the_sender_is_not_taken_for_it(tmp_path):
    """By its pidfd, which the kernel hands over with a datagram since Linux 6.5, of one that is gone since 6.16."""
    if tuple(int(part) for part in os.uname().release.split(".")[:2]) < (6, 16):
        pytest.skip("a kernel that tells no pidfds of processes that are gone")
    before = ["unshare", "-pf", "--mount-proc"]
    can = "open('/proc/sys/kernel/ns_last_pid', 'w').write('50')"
    if subprocess.run([*before, sys.executable, "-c", can], capture_output=True).returncode != 0:
        pytest.skip("numbers of processes cannot be chosen here")
    for folder in ("files", "sockets", "root/etc"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "root/etc/machine-id").write_text("c0ffee00c0ffee00c0ffee00c0ffee00\n")
    done = subprocess.run([*before, sys.executable, "-c", IMPOSTOR, REEVE, str(tmp_path)],
                          capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    entry, = [json.loads(line) for line in done.stdout.splitlines()]
    assert entry["MESSAGE"].startswith("last words") and entry["_REEVE_SENDER_GONE"] == "1"
    assert "_COMM" not in entry and "_EXE" not in entry and "_CMDLINE" not in entry


def test_rotation_and_what_journalctl_says(collector):
    for i in range(3):
        collector.reeve("tee", input=b"".join(b"round %d line %d\n" % (i, k) for k in range(500)))
        collector.reeve("log", "--rotate")
    collector.stop()
    assert len(list(collector.files.glob("*/system@*.journal"))) == 3
    mine = collector.reeve("log", "-D", str(collector.files), "-o", "cat")
    assert mine.count(b"\n") == 1500
    real = journalctl("--verify", "-D", str(collector.files))
    assert real.returncode == 0 and b"FAIL" not in real.stderr, real.stderr
    assert journalctl("-D", str(collector.files), "-o", "cat").stdout == mine
    collector.start()


def test_users_may_read_their_own(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs root, to send as another user")
    collector = Collector(tmp_path)
    for folder in (tmp_path, *tmp_path.parents[:2], collector.sockets, collector.files):
        folder.chmod(0o755)
    as_user = ["setpriv", "--reuid=1234", "--regid=1234", "--clear-groups"]
    say = "import socket,sys; socket.socket(1, 2).sendto(b'MESSAGE=mine', sys.argv[1])"
    subprocess.run([*as_user, "/usr/bin/python3", "-c", say, str(collector.sockets / "socket")],
                   check=True)
    collector.send(b"MESSAGE=of root")
    assert [e["MESSAGE"] for e in collector.entries()] == ["mine", "of root"]
    own, = collector.files.glob("*/user-1234.journal")
    try:
        os.getxattr(own, "system.posix_acl_access")
    except OSError:
        pytest.skip("no access lists on this file system")
    shutil.copy(REEVE, tmp_path / "reeve")
    done = subprocess.run([*as_user, tmp_path / "reeve", "log", "-q", "-D", collector.files, "-o", "cat"],
                          capture_output=True, text=True)
    assert done.stdout == "mine\n", done.stderr
    collector.stop()


def test_many_files_are_one(collector):
    """Files that do not matter to a question are not looked into; what is found is the same."""
    for i in range(8):
        for part in ("a", "b"):
            collector.reeve("tee", "-t", part, input=b"".join(b"%d %s %d\n" % (i, part.encode(), k)
                                                              for k in range(30)))
        collector.reeve("log", "--rotate")
    every = collector.entries()
    assert [e["MESSAGE"] for e in every] == [f"{i} {part} {k}" for i in range(8) for part in "ab"
                                             for k in range(30)]

    def ask(*arguments):
        return [e["MESSAGE"] for e in collector.entries(*arguments)]
    said = [e["MESSAGE"] for e in every]
    for n in (1, 29, 61, 200):
        assert ask("-n", str(n)) == said[-n:]
        assert ask("-r", "-n", str(n)) == said[:-n - 1:-1]
        assert ask("-n", f"+{n}") == said[:n]
        assert ask("-t", "a", "-n", str(n)) == [m for m in said if " a " in m][-n:]
    for at in (0, 61, 250, 479):
        when, cursor = int(every[at]["__REALTIME_TIMESTAMP"]), every[at]["__CURSOR"]
        since = f"--since=@{when // 10**6}.{when % 10**6:06}"
        later = [e["MESSAGE"] for e in every if int(e["__REALTIME_TIMESTAMP"]) >= when]
        assert ask(since) == later and ask(since, "-n", "+70") == later[:70]
        assert ask(since, "-n", "70") == later[-70:]
        until = f"--until=@{when // 10**6}.{when % 10**6:06}"
        sooner = [e["MESSAGE"] for e in every if int(e["__REALTIME_TIMESTAMP"]) <= when]
        assert ask(until) == sooner and ask(until, "-n", "70") == sooner[-70:]
        assert ask(f"--after-cursor={cursor}", "-n", "+70") == said[at + 1:at + 71]
        assert ask(f"--cursor={cursor}", "-r", "-n", "70") == said[max(at - 69, 0):at + 1][::-1]


def test_unclean_file_is_set_aside(collector):
    collector.reeve("tee", input=b"before\n")
    collector.entries()
    collector.stop(signal.SIGKILL)
    collector.start()
    collector.reeve("tee", input=b"after\n")
    entries = collector.entries()
    assert [e["MESSAGE"] for e in entries] == ["before", "after"]
    assert len(list(collector.files.glob("*/system@*.journal~"))) == 1
    numbers = [int(e["__SEQNUM"]) for e in entries]
    assert numbers == [1, 2] and entries[0]["__SEQNUM_ID"] == entries[1]["__SEQNUM_ID"]


def test_follow(collector):
    collector.reeve("tee", input=b"old\n")
    collector.entries()
    with subprocess.Popen([REEVE, "log", "-f", "-o", "cat", "-D", str(collector.files)],
                          stdout=subprocess.PIPE) as follow:
        assert follow.stdout.readline() == b"old\n"
        for i in range(5):
            collector.reeve("tee", input=b"new %d\n" % i)
            assert follow.stdout.readline() == b"new %d\n" % i
            if i == 2:
                collector.reeve("log", "--rotate")
        follow.terminate()


def say(collector, unit, text):
    """Lines of a unit, as the stdout socket takes them from root."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
        s.connect(str(collector.sockets / "stdout"))
        s.sendall(f"prog\n{unit}\n6\n0\n0\n0\n0\n{text}".encode())


def test_retention_of_some_units(tmp_path):
    """What a flood pushes out is of others; what is kept for a second only goes, and nothing else."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to speak for a unit")
    settings = ("RateLimitBurst=0\nSystemMaxUse=8M\nSystemMaxFileSize=512K\n[X-Unit keep-*]\nMaxUse=64M\n"
                "[X-Unit brief]\nMaxRetentionSec=1s\n")
    collector = Collector(tmp_path, settings=settings)
    say(collector, "keep-me.service", "to be kept\n")
    say(collector, "brief.service", "not for long\n")
    say(collector, "other.service", "of another\n")
    assert {e["MESSAGE"] for e in collector.entries()} == {"to be kept", "not for long", "of another"}
    names = sorted(f.name.split("-")[0] for f in collector.files.glob("*/*.journal"))
    assert names == ["system.journal", "system@brief.service.journal", "system@keep"]
    for file in collector.files.glob("*/*.journal"):
        text = file.read_bytes()
        assert (b"to be kept" in text) == ("keep" in file.name)
        assert (b"not for long" in text) == ("brief" in file.name)

    def brief_is_gone():
        collector.reeve("log", "--rotate")
        return "not for long" not in {e["MESSAGE"] for e in collector.entries()}
    until(brief_is_gone, "what is kept for a second is gone")
    assert {e["MESSAGE"] for e in collector.entries()} == {"to be kept", "of another"}

    def other_is_gone():
        lines = "".join(f"{time.time_ns()} line {i} of a flood\n" for i in range(20000))
        say(collector, "other.service", lines)
        return "of another" not in {e["MESSAGE"] for e in collector.entries("-n", "+5")}
    until(other_is_gone, "the flood has pushed out what was there")
    assert collector.entries("-u", "keep-me")[0]["MESSAGE"] == "to be kept"
    collector.stop()
    real = journalctl("--verify", "-D", str(collector.files))
    assert real.returncode == 0 and b"FAIL" not in real.stderr, real.stderr
    shown = journalctl("-D", str(collector.files), "-u", "keep-me", "-o", "cat", "--system")
    assert shown.stdout == b"to be kept\n"


def test_full_disk(tmp_path):
    """Writing goes on as far as the disk lets it, and nothing ends."""
    unshare = ["unshare", "-rm"] if os.getuid() != 0 else ["unshare", "-m"]
    if subprocess.run([*unshare, "true"], capture_output=True).returncode != 0:
        pytest.skip("no mount namespaces here")
    script = f"mount -t tmpfs -o size=24m none {tmp_path}/files && exec \"$@\""
    collector = Collector(tmp_path, [*unshare, "sh", "-c", script, "sh"])
    for i in range(4):
        collector.reeve("tee", input=(b"%d " % i + b"%d" % time.time_ns() * 8 + b"\n") * 40000)
    assert collector.process.poll() is None
    root = f"/proc/{collector.process.pid}/root{collector.files}"
    collector.reeve("log", "--sync")  # what is in one stream may be read before what is in another
    collector.reeve("tee", input=b"still there\n")
    collector.reeve("log", "--sync")
    last = collector.reeve("log", "-D", root, "-n", "1", "-o", "cat")
    assert last == b"still there\n"
    collector.stop()


def test_read_only_disk(tmp_path, capfd):
    """Nothing can be kept, which is said once; what only passes through still does."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"],
                                           capture_output=True).returncode != 0:
        pytest.skip("no mount namespaces here")
    script = f"mount -t tmpfs -o ro none {tmp_path}/files && exec \"$@\""
    collector = Collector(tmp_path, ["unshare", "-m", "sh", "-c", script, "sh"],
                          arguments=["--console=plain"])
    collector.reeve("tee", "-t", "prog", input=b"line\n" * 1000 + b"the last\n")
    collector.reeve("log", "--sync")
    said = ""

    def shown():
        nonlocal said
        said += capfd.readouterr().out
        return "prog: the last\n" in said
    until(shown, "the last line on the console")
    assert said.count("prog: line\n") == 1000
    assert collector.process.poll() is None
    collector.stop()
    assert collector.process.returncode == 0


@pytest.mark.parametrize("size", ["512K", "64M"])
def test_files_that_are_written_are_not_taken_for_damaged(tmp_path, size):
    """Whatever a reader looks at is being changed: entries, the file's size, which file it is."""
    collector = Collector(tmp_path, settings=f"RateLimitBurst=0\nSystemMaxUse=64M\nSystemMaxFileSize={size}\n")
    (tmp_path / "lines").write_text("".join(f"<{i % 8}>line {i} of a flood\n" for i in range(5000)))
    flood = subprocess.Popen(["sh", "-c", 'while :; do "$0" tee -t flood <"$1"; "$0" log --sync; done', REEVE, str(tmp_path / "lines")],
                             env=collector.environment, start_new_session=True)
    try:
        until(lambda: list(collector.files.glob("*/system.journal")), "the first file")
        for _ in range(15):
            for query in (["-t", "flood"], ["PRIORITY=3"], ["-p", "err", "-u", "x"], ["NOSUCH=1"], ["-F", "PRIORITY"],
                          ["--since", "-1s"], ["-r", "PRIORITY=4", "_TRANSPORT=stdout"]):
                done = subprocess.run([REEVE, "log", "-D", collector.files, "-n", "20", *query], capture_output=True,
                                      text=True, timeout=DEADLINE)
                assert "damaged" not in done.stderr, query
    finally:
        os.killpg(flood.pid, signal.SIGKILL)
        flood.wait()
    collector.stop()


@pytest.mark.parametrize("room, burst", [("2M", 100), ("16M", 175), ("64M", 225)])
def test_rate_limit(tmp_path, room, burst):
    """journald lets as many pass: the more room there is, the more."""
    collector = Collector(tmp_path, settings="RateLimitIntervalSec=1h\nRateLimitBurst=100\n"
                          f"SystemMaxUse={room}\nSystemMaxFileSize=1M\nSystemKeepFree=1M\n")
    collector.reeve("tee", "-t", "flood", input=b"line\n" * 1000 + b"<3>error\n" * 10)
    entries = collector.entries()
    assert sum(e["MESSAGE"] == "line" for e in entries) == burst
    assert sum(e["MESSAGE"] == "error" for e in entries) == 10
    collector.stop()


def test_settings_that_are_wrong_are_told(tmp_path, capfd):
    collector = Collector(tmp_path, settings="Storage=sometimes\nNoSuch=1\nLineMax=100\n")
    collector.reeve("tee", input=b"x" * 150 + b"\n")
    assert [len(e["MESSAGE"]) for e in collector.entries()] == [100, 50]
    collector.stop()
    said = capfd.readouterr().err
    assert "journald.conf:2: Storage=sometimes" in said and "journald.conf:3" in said


def test_forward_to_syslog(tmp_path):
    collector = Collector(tmp_path, settings="ForwardToSyslog=yes\nMaxLevelSyslog=warning\n")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.settimeout(DEADLINE)
        daemon.bind(str(collector.sockets / "syslog"))
        collector.reeve("tee", "-t", "prog", input=b"not this\n<3>this\n")
        assert daemon.recv(1000).startswith(b"<27>")
    collector.stop()


def test_forward_to_kmsg(tmp_path):
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"],
                                           capture_output=True).returncode != 0:
        pytest.skip("no mount namespaces here")
    log = tmp_path / "kmsg"
    log.touch()
    collector = Collector(tmp_path, ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /dev/kmsg && exec "$@"',
                                     str(log)], settings="ForwardToKMsg=yes\nMaxLevelKMsg=warning\n")
    collector.reeve("tee", "-t", "prog", input=b"not this\n<3>this\n")
    assert len(collector.entries()) == 2
    text = log.read_text()
    assert text.startswith("<27>prog[") and text.endswith("]: this\n") and "not this" not in text
    collector.stop()


def test_read_while_it_is_written(collector):
    """By both programs, again and again: nothing fails, is missing or out of order, and nothing that was there once
    is gone."""
    commands = itertools.cycle([[REEVE, "log", "-q"]] + ([["journalctl", "-q", "--no-pager"]]
                                                         if shutil.which("journalctl") else []))
    count = "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i + 1)); done"
    with subprocess.Popen([REEVE, "tee", "-t", "load", "sh", "-c", count], env=collector.environment) as load:
        seen = 0
        while load.poll() is None or seen < 20000:
            ended = load.poll() is not None
            if ended:
                collector.reeve("log", "--sync")
            done = subprocess.run([*next(commands), "-D", str(collector.files), "-o", "cat", "-t", "load"],
                                  capture_output=True)
            numbers = done.stdout.split()
            assert done.returncode == 0 and not done.stderr, done.stderr
            assert numbers == [b"%d" % i for i in range(len(numbers))]
            assert len(numbers) == 20000 if ended else len(numbers) >= seen
            seen = len(numbers)


def on_a_terminal(collector_of, send, expected):
    """What a collector writes to a terminal."""
    ours, theirs = terminal()
    os.set_blocking(ours, False)
    collector = collector_of(os.ttyname(theirs))
    send(collector)
    said = b""

    def shown():
        nonlocal said
        try:
            said += os.read(ours, 65536)
        except BlockingIOError:
            pass
        return expected in said
    until(shown, f"{expected} on the terminal")
    collector.stop()
    os.close(ours)
    os.close(theirs)
    return said


def test_forward_to_console(tmp_path):
    said = on_a_terminal(
        lambda tty: Collector(tmp_path, settings=f"ForwardToConsole=yes\nTTYPath={tty}\n"
                                                 "MaxLevelConsole=warning\n"),
        lambda c: c.reeve("tee", "-t", "prog", input=b"not this\n<3>this\n"), b"]: this\r\n")
    assert said.startswith(b"prog[") and b"not this" not in said


def test_forward_to_wall(tmp_path):
    """To each terminal of which utmp says that a user is on it; without what could move the cursor."""
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"],
                                           capture_output=True).returncode != 0:
        pytest.skip("no mount namespaces here")

    def collector_of(tty):
        line = tty.removeprefix("/dev/").encode()
        # struct utmp of utmp(5): a user's, one that has left, and a place that is no terminal.
        entry = struct.Struct("hi32s4s32s256shhiii4i20x")
        (tmp_path / "utmp").write_bytes(b"".join(
            entry.pack(kind, 1, name, b"", b"root", b"", 0, 0, 0, 0, 0, 0, 0, 0, 0)
            for kind, name in ((7, line), (8, b"console"), (7, b"../etc/passwd"))))
        script = ("mount -t tmpfs none /run && mkdir -p /run/lock && cp \"$0\" /run/utmp && "
                  "{ [ -L /var/run ] || mount --bind /run /var/run; } && exec \"$@\"")
        return Collector(tmp_path, ["unshare", "-m", "sh", "-c", script, str(tmp_path / "utmp")])
    said = on_a_terminal(
        collector_of, lambda c: c.reeve("tee", "-t", "prog", input=b"<1>alert\n<0>all \x1b[2Jburns\n"),
        b"burns")
    assert b"Broadcast message from systemd-journald@" in said and b"prog[" in said
    assert b"all ?[2Jburns" in said and b"alert" not in said


def test_messages_of_the_kernel(tmp_path):
    """By a pipe of packets: a read gives one record, as from /dev/kmsg."""
    ours, theirs = os.pipe2(os.O_DIRECT | os.O_CLOEXEC)
    log = f"/proc/{os.getpid()}/fd/{ours}"
    collector = Collector(tmp_path, arguments=[f"--kernel-log={log}"])
    for record in ("6,10,5000000,-;usb 1-1: new device\n SUBSYSTEM=usb\n DEVICE=c189:5\n",
                   "30,11,5000001,-;tool[7]: from a program\n"):
        os.write(theirs, record.encode())
    kernel, program = until(lambda: (e := collector.entries()) and len(e) == 2 and e, "two entries")
    assert {f: kernel[f] for f in kernel if not f.startswith("__")} == {
        "MESSAGE": "usb 1-1: new device", "PRIORITY": "6", "SYSLOG_FACILITY": "0",
        "SYSLOG_IDENTIFIER": "kernel", "_TRANSPORT": "kernel", "_KERNEL_SUBSYSTEM": "usb",
        "_KERNEL_DEVICE": "c189:5", "_SOURCE_BOOTTIME_TIMESTAMP": "5000000",
        "_SOURCE_MONOTONIC_TIMESTAMP": "5000000",
        **{f: kernel[f] for f in ("_BOOT_ID", "_MACHINE_ID", "_HOSTNAME", "_RUNTIME_SCOPE")}}
    assert (program["MESSAGE"], program["SYSLOG_IDENTIFIER"], program["SYSLOG_PID"],
            program["SYSLOG_FACILITY"]) == ("from a program", "tool", "7", "3")
    # The next collector goes on behind the last one.
    collector.stop()
    collector.start()
    for record in ("6,11,5000001,-;again\n", "6,12,5000002,-;new\n"):
        os.write(theirs, record.encode())
    until(lambda: [e["MESSAGE"] for e in collector.entries()][2:] == ["new"], "the new one alone")
    collector.stop()
