#!/usr/bin/python3
"""Benchmark: `reeve why` beside `systemctl status` and `journalctl -u` of the same unit, by turns in one run.

    why.py --reeve BINARY [--lines 100000] [--rounds 7]

The machine is run by systemd; the unit has printed so many lines and failed, for a reason that is found without running it
again. Each value is the median of the times from outside, in which the output goes into a pipe that is read. Needs root."""
import argparse
import json
import os
import shutil
import statistics
import sys
import time

import systems

DEADLINE = 120.0  # seconds until the journal is given up
GOAL = 1 / 5
UNIT = "chatty.service"
TEXT = """[Unit]
Description=A service with much to say
[Service]
ExecStartPre=/usr/bin/seq -f "this is log line number %%.0f of the service, with some more text to be realistic" {lines}
ExecStart=/usr/local/sbin/absent-daemon
"""
# Runs each command so many times, by turns, and prints its times: passed, and of processors.
TIMER = """
import json, resource, subprocess, sys, time
def used():
    u = resource.getrusage(resource.RUSAGE_CHILDREN)
    return u.ru_utime + u.ru_stime
rounds, commands = int(sys.argv[1]), json.loads(sys.argv[2])
times = [[] for _ in commands]
for _ in range(rounds):
    for command, of in zip(commands, times):
        begin, before = time.perf_counter(), used()
        for words in command:
            subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        of.append((time.perf_counter() - begin, used() - before))
print(json.dumps(times))
"""


def wait(condition, what):
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"why: gave up waiting for {what}")
        time.sleep(0.2)


def prepare(machine, options):
    """A machine on which the unit has failed and all its lines are in the journal."""
    system = systems.Systemd()
    system.prepare(machine)
    shutil.copy(options.reeve, machine.path("/usr/local/bin/reeve"))
    machine.write("/etc/systemd/journald.conf", "[Journal]\nStorage=volatile\nRuntimeMaxUse=4G\nRuntimeKeepFree=1M\nRateLimitIntervalSec=0\n")
    machine.write(system.folder + UNIT, TEXT.format(lines=options.lines))
    machine.write(system.folder + "bench.target", f"[Unit]\nRequires=basic.target\nAfter=basic.target\nWants={UNIT}\n")
    machine.path(system.folder + "default.target").symlink_to("bench.target")
    machine.go()

    def said(*words):
        return machine.run(words, text=True).stdout
    wait(lambda: said("systemctl", "is-failed", UNIT).strip() == "failed", f"{UNIT} to fail")
    wait(lambda: said("journalctl", "-q", "-u", UNIT, "-o", "cat").count("log line number") >= options.lines, "its lines")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--reeve", required=True)
    parser.add_argument("--lines", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    if why := systems.machines.missing() or systems.Systemd().why_not():
        sys.exit(f"why: {why}")
    commands = [[["reeve", "why", UNIT]],
                [["systemctl", "--no-pager", "status", UNIT], ["journalctl", "--no-pager", "-u", UNIT]]]
    with systems.Systemd().machine() as machine:
        prepare(machine, options)
        report = json.loads(machine.run(["reeve", "why", UNIT, "-o", "json"], text=True).stdout)
        done = machine.run(["python3", "-c", TIMER, options.rounds, json.dumps(commands)], text=True)
        own, other = ([statistics.median(column) for column in zip(*times)] for times in json.loads(done.stdout))
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; {options.lines} lines of the unit, "
          f"medians of {options.rounds}; cause: {report['cause']['id']}\n")
    print(f"{'':<40}{'passed':>10}{'CPU':>10}")
    for name, (passed, cpu) in (("reeve why", own), ("systemctl status and journalctl -u", other)):
        print(f"{name:<40}{passed * 1e3:>7.0f} ms{cpu * 1e3:>7.0f} ms")
    print(f"{'part':<40}{own[0] / other[0]:>10.3f}{own[1] / other[1]:>10.3f}     "
          f"<= {GOAL:.2f} of the time passed: {'yes' if own[0] <= other[0] * GOAL else 'NO'}")


if __name__ == "__main__":
    main()
