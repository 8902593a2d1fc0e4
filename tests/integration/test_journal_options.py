"""Every option that journalctl 257 has in its help: `reeve log` takes it and does it, or refuses it and says why.

tests/corpus/tools/journalctl-options.txt has them, as printed; that most print the same is in
test_journal_compare.py, what they do to a collector in test_journal_collect.py."""
import json
import os
import pathlib
import subprocess

import pytest

from test_journal_collect import Collector, stop_all, until  # noqa: F401
from test_journal_compare import cursor, unpack

REEVE = os.environ.get("REEVE", "reeve")
LISTED = pathlib.Path(__file__).resolve().parents[1] / "corpus/tools/journalctl-options.txt"

REFUSED = {  # and what the reason says
    "--machine": "containers are not reached", "--image": "images", "--image-policy": "images",
    "--interval": "sealing keys", "--verify-key": "sealing keys", "--force": "sealing keys",
    "--setup-keys": "sealing keys", "--list-catalog": "catalogs", "--dump-catalog": "catalogs",
    "--update-catalog": "catalogs",
}
# What each is asked with, and a part of the answer: of the files of systemd 257, in which noisy.service and
# fails.service have run.
ASKED = {
    "--system": ("--system", "noisy"), "--user": ("--user", "No entries"), "--merge": ("-m", "noisy"),
    "--namespace": ("--namespace=*", "noisy"), "--since": ("--since=@0", "noisy"),
    "--until": ("--until=@0", "No entries"), "--boot": ("--boot=all", "noisy"), "--unit": ("--unit=noisy", "noisy"),
    "--user-unit": ("--user-unit=none", "No entries"), "--invocation": ("--invocation=0 -u fails", "fails"),
    "-I": ("-I -u fails", "fails"), "--identifier": ("--identifier=py", "py["),
    "--exclude-identifier": ("--exclude-identifier=systemd", "dying"), "--priority": ("--priority=err", "["),
    "--facility": ("--facility=daemon", "systemd"), "--grep": ("--grep=line", "line"),
    "--case-sensitive": ("--case-sensitive=no -g LINE", "line"), "--dmesg": ("--dmesg", "No entries"),
    "--output": ("--output=json -n 1", '"__CURSOR"'), "--output-fields": ("--output-fields=MESSAGE -o export", "MESSAGE="),
    "--lines": ("--lines=3", "["), "--reverse": ("--reverse", "noisy"), "--show-cursor": ("--show-cursor", "-- cursor: s="),
    "--utc": ("--utc -o short-full", "UTC"), "--catalog": ("--catalog", "noisy"), "--no-hostname": ("--no-hostname", "noisy"),
    "--no-full": ("--no-full", "noisy"), "--all": ("--all", "noisy"), "--no-tail": ("--no-tail", "noisy"),
    "--truncate-newline": ("--truncate-newline", "noisy"), "--quiet": ("--quiet -u none", ""),
    "--no-pager": ("--no-pager", "noisy"), "--pager-end": ("--pager-end", "noisy"), "--help": ("--help", "--since"),
    "--version": ("--version", "reeve"), "--fields": ("--fields", "SYSLOG_IDENTIFIER"),
    "--field": ("--field=_TRANSPORT", "stdout"), "--list-boots": ("--list-boots", "BOOT ID"),
    "--list-invocations": ("--list-invocations -u fails", "INVOCATION ID"), "--list-namespaces": ("--list-namespaces", ""),
    "--disk-usage": ("--disk-usage", "journals take up"), "--header": ("--header", "File ID"),
    "--verify": ("--verify", "PASS"), "--vacuum-size": ("--vacuum-size=1T", "freed 0B"),
    "--vacuum-files": ("--vacuum-files=999", "freed 0B"), "--vacuum-time": ("--vacuum-time=999y", "freed 0B"),
}
ELSEWHERE = {  # of this file
    "--directory", "--file", "--root", "--cursor", "--after-cursor", "--cursor-file", "--follow", "--sync", "--flush",
    "--rotate", "--relinquish-var", "--smart-relinquish-var",
}


def listed():
    """[(short or None, long, whether it has an argument)]"""
    options = []
    for line in LISTED.read_text().split():
        short, _, long = line.rpartition(",")
        name = long.partition("=")[0].rstrip("[")
        options.append((short or None, name, "=" in long and "[" not in long))
    return options


def ask(*arguments, name="log", **options):
    command = [REEVE, "log"] if name == "log" else [name]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, errors="surrogateescape", timeout=60,
                          env={**os.environ, "TZ": "UTC", "LC_ALL": "C.UTF-8"}, **options)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return unpack("systemd-257", tmp_path_factory.mktemp("journals"))


def test_all_are_known():
    assert {name for _, name, _ in listed()} == set(REFUSED) | set(ASKED) | ELSEWHERE


@pytest.mark.parametrize("option", ASKED)
def test_does_it(files, option):
    arguments, expected = ASKED[option]
    done = ask("-D", str(files), *arguments.split())
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout + done.stderr


@pytest.mark.parametrize("option", REFUSED)
def test_says_why_not(files, option):
    argument = {name: "=x" if has else "" for _, name, has in listed()}[option]
    done = ask("-D", str(files), option + argument)
    assert done.returncode != 0 and not done.stdout
    assert option in done.stderr and REFUSED[option] in done.stderr


def test_short_ones_are_the_long_ones(files):
    for short, name, has_argument in listed():
        if not short or name in ("--follow", "--directory", "--file", "--help"):
            continue
        value = {"--since": "@0", "--until": "@9999999999", "--output": "cat", "--priority": "err",
                 "--cursor": cursor(files)}.get(name, "noisy")
        arguments = ([short, value], [f"{name}={value}"]) if has_argument else ([short], [name])
        one, other = (ask("-D", str(files), "-q", *a) for a in arguments)
        assert (one.returncode, one.stdout) == (other.returncode, other.stdout), short


def test_catalog_says_that_there_is_none(files):
    done = ask("-D", str(files), "-x", "-u", "fails")
    assert "no explanations are added" in done.stderr and "reeve why" in done.stderr


def test_where(files, tmp_path):
    place = tmp_path / "root/var/log/journal" / ("0123456789abcdef" * 2)
    place.parent.mkdir(parents=True)
    (tmp_path / "root/etc").mkdir()
    (tmp_path / "root/etc/machine-id").write_text(place.name + "\n")
    place.symlink_to(next(d for d in [files, *files.glob("*")] if list(d.glob("*.journal"))))
    whole = ask("-D", str(files), "-o", "cat").stdout
    assert whole and ask("--root", str(tmp_path / "root"), "-o", "cat").stdout == whole
    assert ask("--file", str(place / "*.journal"), "-o", "cat").stdout == whole


def test_namespaces(files, tmp_path):
    """Their folders are not looked into unless asked for, and never those of other machines."""
    machine = "0123456789abcdef" * 2
    source = next(d for d in [files, *files.glob("*")] if list(d.glob("*.journal")))
    journal = tmp_path / "var/log/journal"
    journal.mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/machine-id").write_text(machine + "\n")
    (journal / f"{machine}.web").symlink_to(source)
    (journal / f"{machine}.empty").mkdir()
    (journal / f"{'f' * 32}.other").mkdir()

    def count(*arguments):
        return ask("--root", str(tmp_path), "-q", "-o", "cat", *arguments).stdout.count("\n")
    n = ask("-D", str(source), "-q", "-o", "cat").stdout.count("\n")
    assert n > 0 and count() == 0 and count("--namespace=empty") == 0
    assert count("--namespace=web") == n and count("--namespace=+web") == n and count("--namespace=*") == n
    done = ask("--root", str(tmp_path), "--list-namespaces")
    assert done.stdout == "NAMESPACE\nempty\nweb\n"
    done = ask("--root", str(tmp_path), "--list-namespaces", "-o", "json")
    assert json.loads(done.stdout) == [{"namespace": "empty"}, {"namespace": "web"}]


def test_cursors(files, tmp_path):
    place, saved = cursor(files), tmp_path / "cursor"
    rest = ask("-D", str(files), "--cursor", place, "-o", "export").stdout
    assert rest.startswith(f"__CURSOR={place}\n")
    behind = ask("-D", str(files), "--after-cursor", place, "-o", "export").stdout
    assert rest.endswith(behind) and rest.partition("\n\n")[2] == behind
    saved.write_text(place + "\n")
    assert ask("-D", str(files), "--cursor-file", str(saved), "-o", "export").stdout == behind
    assert saved.read_text().strip() == [line for line in behind.split("\n") if line.startswith("__CURSOR=")][-1][9:]
    # With no entry to show it is that of the one that -n 1 shows (seen with 257): scripts begin so.
    for options in ((), ("-u", "noisy"), ("--until=2026-11-22 22:00",), ("-r",)):
        last = ask("-D", str(files), "-q", "-n", "1", "--show-cursor", *options).stdout.splitlines()[-1]
        assert last.startswith("-- cursor: s=")
        assert ask("-D", str(files), "-q", "-n", "0", "--show-cursor", *options).stdout == last + "\n", options
    assert ask("-D", str(files), "-n", "0", "--show-cursor", "-u", "nonexistent").stdout == "-- No entries --\n"
    first = [line for line in ask("-D", str(files), "-o", "export", "-n", "+1").stdout.split("\n")][0][9:]
    assert ask("-D", str(files), "-q", "-n", "+0", "--show-cursor").stdout == f"-- cursor: {first}\n"
    saved.unlink()
    ask("-D", str(files), "-n", "0", "--cursor-file", str(saved))
    assert saved.read_text().strip() == ask("-D", str(files), "-q", "-n", "0", "--show-cursor").stdout.split()[-1]


def test_from_disk_to_memory_and_back(tmp_path):
    volatile = tmp_path / "volatile"
    collector = Collector(tmp_path, arguments=[f"--volatile-dir={volatile}"])

    def where(text):
        def holds(directory):
            done = ask("-D", str(directory), "-q", "-o", "cat") if directory.exists() else None
            return done is not None and text in done.stdout.split()
        collector.reeve("log", "--sync")
        return holds(collector.files), holds(volatile)
    collector.reeve("tee", input=b"one\n")
    collector.reeve("log", "--smart-relinquish-var")  # /var/log/journal is not this collector's
    collector.reeve("log", "--relinquish-var")
    collector.reeve("tee", input=b"two\n")
    assert where("one") == (True, False) and where("two") == (False, True)
    collector.reeve("log", "--flush")
    collector.reeve("tee", input=b"three\n")
    assert where("two") == (True, False) and where("three") == (True, False)
    collector.stop()


def test_follow_and_rotate(tmp_path):
    collector = Collector(tmp_path)
    collector.reeve("tee", input=b"one\n")
    collector.reeve("log", "--rotate")
    assert len(list(collector.files.glob("*/system@*.journal"))) == 1
    with subprocess.Popen([REEVE, "log", "--follow", "-o", "cat", "-D", str(collector.files)],
                          stdout=subprocess.PIPE) as follow:
        assert follow.stdout.readline() == b"one\n"
        follow.terminate()
    until(lambda: follow.poll() is not None, "follow ends")
    collector.stop()
