#!/usr/bin/env python3
"""Records what real systemd does in each scenario: truth/VERSION/AREA/NAME.json.

    record.py [--suite trixie|bookworm] [--runs N] [--oracle PATH] [NAME...]

It boots real systemd in a container (the oracle beside the project), N times, and writes down what
was the same in all runs; a scenario whose outcome varies is named and not recorded. NAME is a
scenario, or a part of its name. With --suite bookworm (systemd 252) only what differs from the
truth of 257 is kept."""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import time

import actor
import runner
import scenario as scenarios
import truth

ORACLE = scenarios.HERE.parents[1].parent / "shared" / "oracle" / "oracle"


class Oracle:
    """One booted instance of real systemd."""

    def __init__(self, program, suite, name):
        self.program, self.name = str(program), name
        self.environment = os.environ | {"ORACLE_SUITE": suite}

    def call(self, *words):
        return subprocess.run([self.program, *words], env=self.environment, check=True,
                              stdout=subprocess.PIPE, text=True).stdout.strip()

    def __enter__(self):
        subprocess.run([self.program, "rm", self.name], env=self.environment)
        self.call("new", self.name)
        self.call("boot", self.name)
        return ["nsenter", "-t", self.call("pid", self.name), "-m", "-p", "-u", "-i", "-C", "-n",
                "-r", "-w"]

    def __exit__(self, *_):
        self.call("rm", self.name)


def record(oracle, chosen, program):
    with oracle as prefix:
        version = runner.Shell(prefix).run(["systemctl", "--version"]).stdout.decode()
        outcomes = {}
        for s, outcome in runner.run(prefix, chosen, program):
            outcomes[s] = outcome
        return version.splitlines()[0].removeprefix("systemd "), outcomes


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--suite", default="trixie")
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--oracle", type=pathlib.Path, default=ORACLE)
    parser.add_argument("--instance", default="record")
    parser.add_argument("--check", action="store_true",
                        help="compare with what is recorded, write nothing")
    parser.add_argument("--show", action="store_true", help="print the outcomes, write nothing")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    chosen = [s for s in scenarios.load()
              if not options.names or any(n in s.name for n in options.names)]
    program, first, unstable = actor.build(), {}, {}
    for _ in range(options.runs):
        begin = time.monotonic()
        oracle = Oracle(options.oracle, options.suite, options.instance)
        version, outcomes = record(oracle, chosen, program)
        print(f"{len(outcomes)} scenarios in {time.monotonic() - begin:.0f} s", file=sys.stderr)
        first = first or outcomes
        for s, outcome in outcomes.items():
            if lines := runner.difference(first[s], outcome):
                unstable[s] = lines
    major = version.split(" ")[0].split(".")[0]
    for s, outcome in sorted(first.items(), key=lambda item: item[0].name):
        stuck = [o["step"] for o in outcome if str(o["seen"]).startswith(("not reached", "not true"))]
        if stuck:
            print(f"STUCK {s.name}: {stuck}")
        if options.show:
            print(s.name, *(json.dumps(o, ensure_ascii=False) for o in outcome), sep="\n    ")
        elif options.check:
            if lines := runner.difference(truth.read(s, major) or [], outcome):
                print(f"DIFFERS {s.name}", *lines, sep="\n    ")
        elif s in unstable:
            print(f"UNSTABLE {s.name}", *unstable[s], sep="\n    ")
        elif major == truth.VERSION or runner.difference(truth.read(s) or [], outcome):
            truth.write(s, major, version, outcome)
    return 1 if unstable else 0


if __name__ == "__main__":
    sys.exit(main())
