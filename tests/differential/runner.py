"""Runs scenarios inside a booted machine and notes what was observed.

The machine is given by an `exec` prefix: a list of words that, put before a command, run it
inside. Nothing here knows which init it runs. An outcome is a list with one entry for each step;
what differs from run to run (process ids, times, ids) is replaced by a word."""
import concurrent.futures
import difflib
import io
import json
import re
import subprocess
import tarfile
import time

import scenario as scenarios

WAIT = 30.0  # seconds until a state that does not come is given up
WORKERS = 12
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "HOME": "/root", "TERM": "dumb", "LANG": "C.UTF-8", "COLUMNS": "200",
               "SYSTEMD_PAGER": "cat"}


# Lists whose order means nothing, and is another one at each boot.
SETS = {"Names", "Requires", "Requisite", "Wants", "BindsTo", "PartOf", "Upholds", "RequiredBy",
        "RequisiteOf", "WantedBy", "BoundBy", "UpheldBy", "ConsistsOf", "Conflicts",
        "ConflictedBy", "Before", "After", "OnFailure", "OnFailureOf", "OnSuccess", "OnSuccessOf",
        "Triggers", "TriggeredBy", "PropagatesReloadTo", "ReloadPropagatedFrom",
        "PropagatesStopTo", "StopPropagatedFrom", "JoinsNamespaceOf", "RequiresMountsFor", "WantsMountsFor",
        "IPAddressAllow", "IPAddressDeny"}


class Shell:
    """Commands inside the machine."""

    def __init__(self, prefix):
        self.prefix = [*prefix, "env", "-i", *(f"{k}={v}" for k, v in ENVIRONMENT.items())]

    def run(self, argv, timeout=2 * WAIT, **options):
        try:
            return subprocess.run([*self.prefix, *argv], capture_output=True, timeout=timeout,
                                  **options)
        except subprocess.TimeoutExpired as e:
            return subprocess.CompletedProcess(argv, None, e.stdout or b"",
                                               (e.stderr or b"") + b"(no end in time)")

    def start(self, argv):
        return subprocess.Popen([*self.prefix, *argv], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def write(self, files):
        """Write all files at once: (path, mode, data, link). Those without data are folders."""
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w") as tar:
            for path, mode, data, link in files:
                entry = tarfile.TarInfo(path.lstrip("/"))
                entry.mode, entry.mtime = mode, int(time.time())
                if link:
                    entry.type, entry.linkname = tarfile.SYMTYPE, link
                elif data is None:
                    entry.type = tarfile.DIRTYPE
                else:
                    entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data or b""))
        done = self.run(["tar", "-C", "/", "-xf", "-"], input=stream.getvalue())
        if done.returncode != 0:
            raise RuntimeError(f"tar inside the machine failed: {done.stderr.decode()}")


def _normal_text(text, s):
    """Replace what differs from run to run."""
    text = text.replace(s.scratch, "{d}").replace(s.unit, "{n}")
    for pattern, word in (
            (r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d [A-Z]+", "TIME"),
            (r"\b[0-9a-f]{32}\b", "ID"),
            (r"\bCPU: .*", "CPU: TIME"),
            (r"\b\d+(\.\d+)?(us|ms|s|min)( \d+(us|ms|s))? ago", "AGO"),
            (r"\b(PID|Process): \d+", r"\1: PID"),
            (r"\bpid=[1-9]\d*", "pid=PID"),
            (r"(start_time|stop_time)=\[[^\]]*\]", r"\1=[TIME]")):
        text = re.sub(pattern, word, text)
    return text


# What reeve says on purpose where systemd says nothing, for people, on standard error.
ADDED = re.compile(r'Or "reeve why [^"]*" for the cause\.')


def _normal_property(key, value, s):
    if re.search(r"Timestamp(Monotonic)?$", key):
        return "unset" if value in ("", "0", "n/a") else "set"
    if re.search(r"(Main|Control)PID$", key) and key != "GuessMainPID":
        return "0" if value == "0" else "PID"
    if key in SETS:
        return " ".join(sorted(_normal_text(value, s).split()))
    return _normal_text(value, s)


def _parse_show(text):
    """The output of `systemctl show` as a dict; a value may have more lines."""
    values, key = {}, None
    for line in text.splitlines():
        match = re.match(r"([A-Z][A-Za-z0-9]*)=(.*)", line)
        if match:
            key = match[1]
            values[key] = values[key] + "\n" + match[2] if key in values else match[2]
        elif key and line:
            values[key] += "\n" + line
    return values


class Run:
    """One scenario under way."""

    def __init__(self, shell, scenario):
        self.shell, self.scenario = shell, scenario
        self.background = []

    def _text(self, data):
        return _normal_text(data.decode(errors="backslashreplace"), self.scenario)

    def _finished(self, code, out, err):
        return {"exit": code, "out": self._text(out).splitlines(),
                "err": [line for line in self._text(err).splitlines() if not ADDED.fullmatch(line)]}

    def _command(self, text):
        done = self.shell.run(["sh", "-c", text], stdin=subprocess.DEVNULL)
        return self._finished(done.returncode, done.stdout, done.stderr)

    def _join(self):
        child = self.background.pop(0)
        try:
            out, err = child.communicate(timeout=2 * WAIT)
        except subprocess.TimeoutExpired:
            child.kill()
            out, err = child.communicate()
            return self._finished(None, out, err + b"(no end in time)")
        return self._finished(child.returncode, out, err)

    def _properties(self, unit, keys):
        done = self.shell.run(["systemctl", "show", *(f"-p{k}" for k in keys), "--", unit],
                              stdin=subprocess.DEVNULL)
        return _parse_show(done.stdout.decode(errors="backslashreplace"))

    def _show(self, unit, keys):
        values = self._properties(unit, keys)
        return {k: _normal_property(k, values[k], self.scenario) if k in values else None
                for k in keys}

    def _poll(self, test):
        """Call test() until it returns true, at growing intervals. False once time is up."""
        end, pause = time.monotonic() + WAIT, 0.05
        while not test():
            if time.monotonic() > end:
                return False
            time.sleep(pause)
            pause = min(pause * 1.5, 0.5)
        return True

    def _wait(self, unit, words):
        wanted = {k: v.split("|") for k, v in (w.split("=", 1) for w in words)}
        seen = {}

        def reached():
            seen.update(self._properties(unit, wanted))
            return all(seen.get(k) in v for k, v in wanted.items())
        return "reached" if self._poll(reached) else f"not reached: {seen}"

    def _until(self, text):
        def true():
            return self.shell.run(["sh", "-c", text], stdin=subprocess.DEVNULL).returncode == 0
        return "true" if self._poll(true) else "not true in time"

    def _file(self, path, order=None):
        done = self.shell.run(["cat", path])
        lines = self._text(done.stdout).splitlines()
        if done.returncode != 0:
            return "missing"
        return sorted(lines) if order else lines

    def _order(self, points):
        """Sort UNIT:Property points in time; equal and never reached ones are told apart."""
        when = {}
        for point in points:
            unit, key = point.rsplit(":", 1)
            value = self._properties(unit, [key]).get(key, "0")
            when[point] = int(value) if value.isdigit() else 0
        known = sorted((t, p) for p, t in when.items() if t)
        return [_normal_text(p, self.scenario) for _, p in known] + \
               ["never: " + _normal_text(p, self.scenario) for p, t in when.items() if not t]

    def step(self, line):
        """Do one step. None: nothing to note."""
        verb, _, rest = line.partition(" ")
        words = rest.split()
        if verb == "$":
            return self._command(rest)
        if verb == ">":
            self._command(rest)
            return None
        if verb == "&":
            self.background.append(self.shell.start(["sh", "-c", rest]))
            return None
        if verb == "join":
            return self._join()
        if verb == "wait":
            return self._wait(words[0], words[1:])
        if verb == "until":
            return self._until(rest)
        if verb == "show":
            return self._show(words[0], words[1:])
        if verb == "file":
            return self._file(words[0])
        if verb == "sorted":
            return self._file(words[0], order=True)
        if verb == "order":
            return self._order(words)
        raise scenarios.FormatError(f"{self.scenario.name}: unknown step {line!r}")

    def all_steps(self):
        outcome = []
        if self.scenario.keep:
            self.shell.run(["systemctl", "start", self.scenario.keeper])
        for line in self.scenario.steps:
            seen = self.step(line)
            if seen is not None:
                outcome.append({"step": _normal_text(line, self.scenario), "seen": seen})
        for child in self.background:
            child.kill()
            child.communicate()
        return outcome


def run_one(shell, scenario, times):
    """The outcome of one scenario: a list of {"step", "seen"}."""
    begin = time.monotonic()
    outcome = Run(shell, scenario).all_steps()
    times[scenario.name] = time.monotonic() - begin
    return outcome


def run(prefix, chosen, actor, workers=WORKERS, times=None):
    """Run the scenarios, as many together as their phases allow. Yields (scenario, outcome).
    `times`, a dict, is given how long each took, in seconds."""
    times = {} if times is None else times
    shell = Shell(prefix)
    files = [(scenarios.SCRATCH, 0o755, None, ""), (scenarios.ACTOR, 0o755, actor, "")]
    for s in chosen:
        files.append((s.scratch, 0o1777, None, ""))
        files += [(f.path, f.mode, f.text.encode(), f.link) for f in s.all_files()]
    shell.write(files)
    shell.run(["systemctl", "daemon-reload"])
    for phase in scenarios.PHASES:
        batch = [s for s in chosen if s.phase == phase]
        with concurrent.futures.ThreadPoolExecutor(1 if phase == "alone" else workers) as pool:
            jobs = {pool.submit(run_one, shell, s, times): s for s in batch}
            for job in concurrent.futures.as_completed(jobs):
                yield jobs[job], job.result()


def difference(truth, outcome):
    """What differs between a recorded and an observed outcome, as lines to read; [] if nothing."""
    lines = []
    for i, (want, got) in enumerate(zip(truth, outcome)):
        if want == got:
            continue
        lines.append(f"step {i + 1}: {want['step']}")
        if want["step"] != got["step"]:
            lines.append("    the scenario has changed since its truth was recorded")
            break
        lines += _step_difference(want["seen"], got["seen"])
    if len(truth) != len(outcome):
        lines.append(f"{len(truth)} steps recorded, {len(outcome)} observed: record the truth anew")
    return lines


def _step_difference(want, got):
    if isinstance(want, dict) and isinstance(got, dict):
        return [line for key in want if want[key] != got.get(key)
                for line in _value_difference(key + ": ", want[key], got.get(key))]
    return _value_difference("", want, got)


def _value_difference(label, want, got):
    if isinstance(want, list) and isinstance(got, list) and len(want) + len(got) > 2:
        diff = list(difflib.ndiff(want, got))
        return [f"    {label}(- expected, + got)"] + ["        " + d for d in diff
                                                      if not d.startswith("?")]
    return [f"    {label}expected {json.dumps(want, ensure_ascii=False)}, "
            f"got {json.dumps(got, ensure_ascii=False)}"]
