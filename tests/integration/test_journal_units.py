"""The journal of a machine that reeve runs: output of units is in its files, with all that belongs
to it, last words included."""
import json
import os

import pytest


def entries(reeve, *arguments):
    reeve.ctl("log", "--sync")
    return [json.loads(line) for line in reeve.ctl("log", "-o", "json", *arguments).splitlines()]


def test_output_of_a_unit(reeve):
    reeve.write("talk.service", """
        [Service]
        Type=oneshot
        ExecStart=/bin/sh -c 'echo out; echo "<3>bad" >&2; printf last'
        SyslogIdentifier=talker
    """)
    reeve.ctl("daemon-reload")
    reeve.ctl("start", "talk.service")
    own = [e for e in entries(reeve, "-u", "talk") if e.get("_TRANSPORT") == "stdout"]
    assert [(e["MESSAGE"], e["PRIORITY"]) for e in own] == [("out", "6"), ("bad", "3"),
                                                            ("last", "6")]
    for e in own:
        assert e["_SYSTEMD_UNIT"] == "talk.service" and e["SYSLOG_IDENTIFIER"] == "talker"
        assert len(e["_SYSTEMD_INVOCATION_ID"]) == 32 and int(e["_PID"]) > 1


def test_last_words_of_many_that_die_at_once(reeve):
    reeve.write("die@.service", """
        [Service]
        ExecStart=/bin/sh -c 'echo last words of %i >&2; exit 3'
    """)
    reeve.ctl("daemon-reload")
    names = [f"die@{i}.service" for i in range(30)]
    reeve.ctl("start", *names)
    for name in names:
        reeve.wait(name, ActiveState="failed")
    for i, name in enumerate(names):
        said = [e["MESSAGE"] for e in entries(reeve, "-u", name)]
        assert f"last words of {i}" in said, said


def test_last_words_by_datagram(reeve):
    """Of a process that had ended before its message was read: whose it was, its pidfd tells, where there are
    cgroups."""
    if tuple(int(part) for part in os.uname().release.split(".")[:2]) < (6, 16):
        pytest.skip("a kernel that tells nothing of processes that are gone")
    if not reeve.machine.has_cgroup:
        pytest.skip("no cgroups here")
    reeve.write("words.service", """
        [Service]
        ExecStart=/bin/sh -c 'read x </run/before; logger -t dying last; read x </run/after; exec sleep infinity'
    """)
    reeve.run("mkfifo", "/run/before", "/run/after")
    reeve.ctl("daemon-reload")
    reeve.ctl("start", "words.service")
    entries(reeve)
    reeve.run("pkill", "-STOP", "-x", "reeve-journald")
    reeve.run("sh", "-c", "echo >/run/before; echo >/run/after")  # this when logger has ended
    reeve.run("pkill", "-CONT", "-x", "reeve-journald")
    entry, = entries(reeve, "-t", "dying")
    assert entry["_REEVE_SENDER_GONE"] == "1" and "_COMM" not in entry
    assert entry["_SYSTEMD_UNIT"] == "words.service"


def test_collector_is_killed_under_a_talking_service(reeve):
    reeve.write("count.service", """
        [Service]
        Type=oneshot
        ExecStart=/bin/sh -c 'i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i + 1)); done'
        LogRateLimitIntervalSec=0
    """)
    reeve.ctl("daemon-reload")
    reeve.ctl("start", "--no-block", "count.service")
    kills = [reeve.run("pkill", "-9", "-x", "reeve-journald").returncode for _ in range(3)]
    assert 0 in kills, "no collector was found to kill"
    reeve.wait("count.service", ActiveState="inactive", timeout=30)

    def all_there():
        seen = {e["MESSAGE"] for e in entries(reeve, "-u", "count", "_TRANSPORT=stdout")}
        return {str(i) for i in range(3000)} <= seen
    reeve.until(all_there, 20)
    aside = reeve.run("sh", "-c", "ls /run/log/journal/*/*.journal~ /var/log/journal/*/*.journal~")
    assert "system@" in aside.stdout


SAYS = r"""
import socket, sys
def journal(*fields):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.sendto("".join(f + "\n" for f in fields).encode(), "/run/systemd/journal/socket")
for line in ("<5>kept", "<7>chatter", "<4>a secret"):
    print(line, flush=True)
    journal("MESSAGE=sent " + line[3:], "PRIORITY=" + line[1])
for i in range(100):
    print(f"<3>error {i}", flush=True)
"""


def test_what_a_unit_says_of_its_messages(reeve):
    """The Log*= settings are of its output and of what its processes send."""
    reeve.write("/opt/says.py", SAYS)
    reeve.write("says.service", """
        [Service]
        Type=oneshot
        ExecStart=/usr/bin/python3 /opt/says.py
        LogLevelMax=notice
        LogExtraFields=CUSTOMER=42
        LogFilterPatterns=~secret
        LogRateLimitIntervalSec=1h
        LogRateLimitBurst=5
    """)
    reeve.ctl("start", "says.service")
    own = [e for e in entries(reeve, "-u", "says") if e.get("_SYSTEMD_UNIT") == "says.service"]
    said = [e["MESSAGE"] for e in own]
    errors = [m for m in said if m.startswith("error")]
    assert errors == [f"error {i}" for i in range(len(errors))]
    assert 5 <= len(errors) < 30  # the more room there is, the more
    assert sorted(m for m in said if m not in errors) == ["kept", "sent kept"]
    assert {e.get("CUSTOMER") for e in own} == {"42"}
