#!/usr/bin/python3
"""Benchmarks: reeve beside the service managers of this machine, alternating in one run.

    run.py --reeve BINARY [--root DIR] [--rounds 5] [--row NAME...] [--services 500] [--many 10000]

Each value is the median of its rounds; the columns after it are ratios to reeve's (how many times
as much the other one takes). Only ratios mean anything on another machine. With --root all of them
run in that root file system, another Debian's with its systemd and dinit. Needs root."""
import argparse
import os
import statistics
import subprocess
import sys
import time

import systems

DEADLINE = 600.0  # seconds until a measurement is given up
RESTARTS = 100
LAUNCHES = 30
RESTART_LOOP = 'i=0; while [ $i -lt "$1" ]; do "$2" "$3" "$4" || exit 1; i=$((i + 1)); done'


def wait(condition, what, interval):
    end = time.monotonic() + DEADLINE
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError(f"gave up waiting for {what}")
        time.sleep(interval)


def wait_until_executed(machine, n):
    """Until n children of PID 1 run the program; returns when the last one was seen to."""
    running = set()

    def all_run():
        children = machine.children()
        if len(children) < n:  # looking closer would take of the time that is measured
            return False
        for pid in children:
            try:
                if pid not in running and os.readlink(f"/proc/{pid}/exe") == systems.PROGRAM:
                    running.add(pid)
            except OSError:
                pass
        return len(running) >= n
    wait(all_run, f"{n} services", 0.005)
    return time.monotonic()


def started(system, machine, n):
    system.prepare(machine)
    system.write_sleepers(machine, n)
    begin = machine.go()
    return wait_until_executed(machine, n) - begin


def collector_of(system, machine):
    return machine.find(system.collector) if system.collector else None


def measure_boot(system, options):
    """Boots, restarts a service, and reads what the running services cost."""
    with system.machine() as machine:
        wall = started(system, machine, options.services)
        values = {"boot wall": wall, "boot cpu": machine.settled(machine.pid)}
        if collector := collector_of(system, machine):
            values["boot collector cpu"] = machine.settled(collector)
        values["running pss"] = machine.pss(machine.pid)

        verb = [*system.restart, system.unit]
        before, begin = machine.cpu(machine.pid), time.monotonic()
        done = machine.run(["sh", "-c", RESTART_LOOP, "sh", RESTARTS, *verb], text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{system.name}: {' '.join(verb)}: {done.stderr}")
        values["restart wall"] = (time.monotonic() - begin) / RESTARTS
        values["restart cpu"] = (machine.cpu(machine.pid) - before) / RESTARTS
        return values


def measure_memory(system, options, n, output_bytes, prefix):
    """Loads n units, each of which prints and fails twice, then reads all unit files anew."""
    if not system.can_fail_units:
        return {}
    with system.machine() as machine:
        system.prepare(machine)
        system.write_failing(machine, n, output_bytes)
        machine.go()
        wait(lambda: system.failed(machine) >= n, f"{n} units to fail", 0.5)
        machine.settled(machine.pid)
        values = {f"{prefix} pss": machine.pss_settled(machine.pid)}
        if collector := collector_of(system, machine):
            machine.settled(collector)
            values[f"{prefix} collector pss"] = machine.pss(collector)

        before, begin = machine.cpu(machine.pid), time.monotonic()
        done = machine.run(system.reload, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{system.name}: {' '.join(system.reload)}: {done.stderr}")
        values[f"{prefix} reload wall"] = time.monotonic() - begin
        values[f"{prefix} reload cpu"] = machine.settled(machine.pid) - before
        return values


SANDBOXED = """[Unit]
StartLimitIntervalSec=0
[Service]
Type=oneshot
User=daemon
CapabilityBoundingSet=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
PrivateNetwork=yes
PrivateIPC=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallFilter=@system-service
SystemCallArchitectures=native
ReadWritePaths=/var/lib
InaccessiblePaths=/srv
ExecStart=/bin/true
"""


def measure_sandbox(system, options):
    """Starts a service with 25 sandboxing settings, through the client."""
    if not system.can_fail_units:
        return {}
    with system.machine() as machine:
        system.prepare(machine)
        system.write_sleepers(machine, 1)
        machine.write(system.folder + "sandboxed.service", SANDBOXED)
        machine.go()
        wait_until_executed(machine, 1)
        begin = time.monotonic()
        done = machine.run(["sh", "-c", RESTART_LOOP, "sh", LAUNCHES, "systemctl", "start",
                            "sandboxed.service"], text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{system.name}: sandboxed.service: {done.stderr}")
        return {"sandbox wall": (time.monotonic() - begin) / LAUNCHES}


# name of a value -> what it is, its unit and scale, the target: (of which system, part of it) or
# the greatest value. {n} and {many} are numbers of services.
VALUES = {
    "boot wall": ("booting {n} services: wall", "ms", 1000, ("systemd", 1 / 3)),
    "boot cpu": ("  CPU of the manager", "ms", 1000, ("systemd", 1 / 5)),
    "boot collector cpu": ("  CPU of the collector", "ms", 1000, None),
    "running pss": ("  Pss of the manager, {n} services running", "MiB", 1 / 1024, None),
    "restart wall": ("restart through the client: wall", "ms", 1000, ("systemd", 1 / 4)),
    "restart cpu": ("  CPU of the manager", "ms", 1000, None),
    "sandbox wall": ("start of a service with 25 sandboxing settings: wall", "ms", 1000,
                     ("systemd", 1 / 2)),
    "some pss": ("{n} units that printed 1 MiB and failed twice: Pss", "MiB", 1 / 1024, 4),
    "some collector pss": ("  Pss of the collector", "MiB", 1 / 1024, None),
    "some reload wall": ("daemon-reload of {n} units: wall", "ms", 1000, None),
    "some reload cpu": ("  CPU of the manager", "ms", 1000, None),
    "many pss": ("{many} units that printed {output} KiB and failed twice: Pss", "MiB", 1 / 1024, 24),
    "many collector pss": ("  Pss of the collector", "MiB", 1 / 1024, None),
    "many reload wall": ("daemon-reload of {many} units: wall", "ms", 1000, None),
    "many reload cpu": ("  CPU of the manager", "ms", 1000, None),
}
ROWS = {
    "boot": (measure_boot, None),
    "sandbox": (measure_sandbox, None),
    "memory": (lambda s, o: measure_memory(s, o, o.services, 1 << 20, "some"), None),
    "many": (lambda s, o: measure_memory(s, o, o.many, o.output << 10, "many"), 1),
}


def measure(present, options):
    """All values of all systems: {(value, system): [one of each round]}."""
    measured = {}
    for name in options.row:
        function, rounds = ROWS[name]
        for i in range(rounds or options.rounds):
            for system in present:
                print(f"\r{name}, round {i + 1}: {system.name}          ", end="", file=sys.stderr,
                      flush=True)
                for value, number in function(system, options).items():
                    measured.setdefault((value, system.name), []).append(number)
    print("\r", " " * 60, end="\r", file=sys.stderr)
    return measured


def verdict(target, own, others):
    if target is None or own is None:
        return ""
    if isinstance(target, tuple):
        system, part = target
        if others.get(system) is None:
            return ""
        return f"<= {part:.2f} of {system}: " + \
            ("yes" if own <= others[system] * part else f"NO ({own / others[system]:.2f})")
    return f"<= {target}: " + ("yes" if own <= target else "NO")


def print_table(present, measured, options):
    names = [s.name for s in present]
    lines = [["", "", *names, *(f"{n}/reeve" for n in names[1:]), "to reach"]]
    for value, (text, unit, scale, target) in VALUES.items():
        numbers = {n: statistics.median(measured[value, n]) * scale for n in names
                   if (value, n) in measured}
        if not numbers:
            continue
        own = numbers.get("reeve")
        text = text.format(n=options.services, many=options.many, output=options.output)
        lines.append([text, unit,
                      *(f"{numbers[n]:.2f}" if n in numbers else "-" for n in names),
                      *(f"{numbers[n] / own:.1f}" if n in numbers and own else "-"
                        for n in names[1:]),
                      verdict(target, own, numbers)])
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        print("  ".join(cell.ljust(w) if i in (0, len(line) - 1) else cell.rjust(w)
                        for i, (cell, w) in enumerate(zip(line, widths))).rstrip())


def parse_arguments():
    parser = argparse.ArgumentParser(description="reeve beside other service managers")
    parser.add_argument("--reeve", required=True, help="the binary to measure")
    parser.add_argument("--root", default="/", help="the root file system (this one)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--row", action="append", choices=ROWS, help="only these (all)")
    parser.add_argument("--system", action="append", help="only these (all that are installed)")
    parser.add_argument("--services", type=int, default=500)
    parser.add_argument("--many", type=int, default=10000)
    parser.add_argument("--output", type=int, default=16, help="KiB that each of many prints")
    options = parser.parse_args()
    options.row = options.row or list(ROWS)
    return options


def main():
    options = parse_arguments()
    if why := systems.machines.missing():
        sys.exit(f"bench: {why}")
    present = []
    for system in (systems.Reeve(options.root, options.reeve), systems.Systemd(options.root),
                   systems.Dinit(options.root)):
        why = system.why_not()
        if options.system and system.name not in options.system:
            continue
        print(f"{system.name}: {why or system.version()}")
        if not why:
            present.append(system)
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}; medians of {options.rounds}\n")
    measured = measure(present, options)
    print_table(present, measured, options)


if __name__ == "__main__":
    try:
        main()
    except (RuntimeError, subprocess.SubprocessError) as e:
        sys.exit(f"bench: {e}")
