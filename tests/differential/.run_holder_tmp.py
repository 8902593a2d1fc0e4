#!/usr/bin/env python3
"""Runs scenarios in a machine and prints what differs from the truth of systemd 257.

    run.py --reeve PATH [NAME...]     under reeve
    run.py --systemd [NAME...]        under the systemd of this system: tests the scenarios themselves

NAME is a scenario, or a part of its name. Exit status 1 if anything differs."""
import argparse
import sys
import time

import actor
import machine
import runner
import scenario as scenarios
import truth


def make_machine(reeve):
    if reeve:
        return machine.Machine(["/usr/local/bin/reeve", "init", "--tracking=holder"], reeve=reeve)
    return machine.Machine(["/lib/systemd/systemd", "--system"], system_units=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--reeve", metavar="PATH")
    which.add_argument("--systemd", action="store_true")
    parser.add_argument("--slow", action="store_true", help="print which scenarios took longest")
    parser.add_argument("--log", action="store_true", help="print the console at the end")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if why := machine.missing() or actor.missing():
        sys.exit(f"run.py: {why}")
    chosen = [s for s in scenarios.load()
              if not options.names or any(n in s.name for n in options.names)]
    begin, equal, lines, times = time.monotonic(), 0, [], {}
    with make_machine(options.reeve) as booted:
        for s, outcome in runner.run(booted.prefix, chosen, actor.build(), times=times):
            difference = runner.difference(truth.read(s) or [], outcome)
            equal += not difference
            if difference:
                lines.append((s.name, difference))
        if options.log:
            print(booted.log.read_text(errors="replace"))
    for name, difference in sorted(lines):
        print(f"== {name}", *difference, sep="\n")
    if options.slow:
        for name in sorted(times, key=times.get, reverse=True)[:20]:
            print(f"{times[name]:6.1f} s  {name}")
    print(f"{equal} of {len(chosen)} scenarios equal, in {time.monotonic() - begin:.0f} s")
    return equal != len(chosen)


if __name__ == "__main__":
    sys.exit(main())
