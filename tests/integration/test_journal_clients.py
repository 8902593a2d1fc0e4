"""Programs that write to a journal and read it, unmodified, in a machine that reeve runs."""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

PYTHON = "/usr/bin/python3"  # Debian's, which has Debian's modules
GO_SOURCES = "/usr/share/gocode/src/github.com/coreos/go-systemd/journal"


def entries(reeve, *arguments):
    reeve.ctl("log", "--sync")
    return [json.loads(line) for line in reeve.ctl("log", "-o", "json", "--all", *arguments).splitlines()]


def shell(reeve, command):
    done = reeve.run("sh", "-c", command, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def needs(*paths):
    for path in paths:
        if not os.path.exists(path):
            pytest.skip(f"no {path} here")


def test_logger(reeve):
    needs("/usr/bin/logger")
    shell(reeve, "logger -t old -p user.err 'by syslog'; "
                 "printf 'MESSAGE=by journal\\nPRIORITY=5\\nCOLOUR=green\\n' | logger --journald")
    by = {e["MESSAGE"]: e for e in entries(reeve)}
    old, new = by["by syslog"], by["by journal"]
    assert (old["SYSLOG_IDENTIFIER"], old["PRIORITY"], old["_TRANSPORT"]) == ("old", "3", "syslog")
    assert (new["COLOUR"], new["PRIORITY"], new["_TRANSPORT"]) == ("green", "5", "journal")


def test_systemd_cat(reeve):
    needs("/usr/bin/systemd-cat")
    shell(reeve, "/usr/bin/systemd-cat -t cat -p warning sh -c 'echo one; echo \"<3>two\" >&2'; "
                 "echo three | /usr/bin/systemd-cat -t cat")
    found = [(e["MESSAGE"], e["PRIORITY"]) for e in entries(reeve, "-t", "cat")]
    assert found == [("one", "4"), ("two", "3"), ("three", "6")]


def test_python(reeve):
    """JournalHandler and send() write, a memfd's worth included; Reader reads and follows."""
    if subprocess.run([PYTHON, "-c", "import systemd.journal"], capture_output=True).returncode != 0:
        pytest.skip("no python3-systemd here")
    reeve.write("/tmp/client.py", """
        import logging, sys
        from systemd import journal
        reader = journal.Reader()
        reader.seek_tail()
        reader.get_previous()
        log = logging.getLogger("client")
        log.addHandler(journal.JournalHandler(SYSLOG_IDENTIFIER="handler"))
        log.error("by the handler, %d", 7)
        journal.send("with fields", FLAVOUR="sweet", BIG="x" * 1000000, LINES="a\\nb")
        wanted, seen = {"by the handler, 7", "with fields"}, []
        while not wanted <= {e["MESSAGE"] for e in seen}:
            if reader.wait(30000000) == journal.NOP:
                sys.exit("nothing came")
            seen += [e for e in reader if e.get("MESSAGE") in wanted]
        flush = {e["MESSAGE"]: e for e in seen}
        assert flush["with fields"]["FLAVOUR"] == "sweet" and flush["with fields"]["LINES"] == "a\\nb"
        assert len(flush["with fields"]["BIG"]) == 1000000
        assert flush["by the handler, 7"]["PRIORITY"] == 3
        reader.add_match(SYSLOG_IDENTIFIER="handler")
        reader.seek_head()
        assert [e["MESSAGE"] for e in reader] == ["by the handler, 7"]
    """)
    shell(reeve, f"{PYTHON} /tmp/client.py")
    entry, = entries(reeve, "-t", "handler")
    assert entry["LOGGER"] == "client" and entry["CODE_FUNC"] == "<module>"


def test_go(reeve):
    needs(GO_SOURCES)
    if not shutil.which("go"):
        pytest.skip("no go here")
    reeve.write("/tmp/say.go", """
        package main
        import (
            "strings"
            "github.com/coreos/go-systemd/journal"
        )
        func main() {
            if !journal.Enabled() {
                panic("no journal")
            }
            check(journal.Send("by go", journal.PriWarning, map[string]string{"FLAVOUR": "sour"}))
            check(journal.Send(strings.Repeat("z", 1000000), journal.PriInfo, map[string]string{"FLAVOUR": "big"}))
        }
        func check(err error) {
            if err != nil {
                panic(err)
            }
        }
    """)
    shell(reeve, f"GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=/tmp/cache HOME=/root PATH=$PATH:"
                 f"{pathlib.Path(shutil.which('go')).parent} go run /tmp/say.go")
    entry, = entries(reeve, "FLAVOUR=sour")
    assert (entry["MESSAGE"], entry["PRIORITY"]) == ("by go", "4")
    entry, = entries(reeve, "FLAVOUR=big")
    assert len(entry["MESSAGE"]) == 1000000


def test_rsyslog_reads(reeve):
    needs("/usr/sbin/rsyslogd", "/usr/lib/x86_64-linux-gnu/rsyslog/imjournal.so")
    reeve.write("/etc/rsyslog-test.conf", """
        module(load="imjournal" StateFile="/run/imjournal.state" IgnorePreviousMessages="off")
        template(name="plain" type="string" string="%programname% %syslogseverity-text% %msg%\\n")
        action(type="omfile" file="/run/rsyslog.out" template="plain")
    """)
    reeve.write("rsyslog-test.service", """
        [Service]
        ExecStart=/usr/sbin/rsyslogd -n -f /etc/rsyslog-test.conf -i /run/rsyslog.pid
    """)
    reeve.write("talk.service", "[Service]\nExecStart=/bin/echo '<4>to be read by rsyslog'\n")
    reeve.ctl("daemon-reload")
    reeve.ctl("start", "talk.service")
    entries(reeve)
    reeve.ctl("start", "rsyslog-test.service")
    reeve.until(lambda: "echo warning to be read by rsyslog" in
                reeve.run("cat", "/run/rsyslog.out").stdout.replace("  ", " "), 60)
