"""Random units and random operations on them, both from a seeded generator.

Units are of all kinds, and refer to each other at random. Their texts are made by Units, which knows
nothing of a machine; what can be asked of a manager by its socket is made by operation()."""
import random

SERVICES, TARGETS = 24, 4
ACTOR = "/run/soak-actor"
SLICES = ["soak.slice", "soak-a.slice", "soak-a-b.slice"]
INSTANCES = ["t@a.service", "t@b.service", "t@c-d.service"]
MODES = ["replace"] * 8 + ["fail", "replace-irreversibly", "isolate", "ignore-dependencies", "ignore-requirements", "flush",
                           "restart-dependencies", "triggering"]
VERBS = ["start"] * 6 + ["stop"] * 4 + ["restart"] * 3 + ["reload", "try-restart", "reload-or-restart", "reload-or-try-restart"]
SIGNALS = [1, 2, 6, 9, 9, 10, 11, 12, 15, 15, 18]

# What a main process does, by Type=.
MAIN = {
    "simple": ["pause", "pause", "sleep=40 exit=1", "sleep=40", "exit=3", "ignore=TERM pause", "spawn pause join pause",
               "spawn ignore=TERM pause join sleep=30", "raise=SEGV", "end=TERM=7 pause"],
    "exec": ["pause", "sleep=30 raise=ABRT", "spawn setsid pause join pause"],
    "idle": ["pause", "exit=1"],
    "notify": ["notify=READY=1 pause", "notify=READY=1\\nSTATUS=on store=a store=b pause", "sleep=30 notify=READY=1 sleep=50",
               "sleep=20 exit=1", "pause", "notify=READY=1 barrier sleep=20 notify=STOPPING=1 sleep=50",
               "notify=READY=1 sleep=50 notify=WATCHDOG=trigger pause", "notify=EXTEND_TIMEOUT_USEC=500000 sleep=20 notify=READY=1 pause",
               "fork notify=READY=1 pause", "spawn pause join notify=READY=1\\nMAINPID=@c sleep=30"],
    "notify-reload": ["on=HUP=notify=RELOADING=1\\nMONOTONIC_USEC=@m notify=READY=1 pause", "notify=READY=1 pause"],
    "forking": ["fork pause", "fork pidfile=/run/soak/%N.pid pause", "exit=1", "exit=0", "fork spawn pause join pause", "pause"],
    "oneshot": ["exit=0", "sleep=40", "exit=1", "spawn pause join exit=0", "pause"],
}
SHORT = ["exit=0", "exit=0", "exit=0", "sleep=30", "exit=1", "spawn pause join exit=0", "ignore=TERM pause", "raise=KILL"]


class Units:
    """The texts of a set of units; each call of text() makes other ones."""

    def __init__(self, rng):
        self.rng = rng
        self.services = [f"s{i}.service" for i in range(SERVICES)]
        self.targets = [f"g{i}.target" for i in range(TARGETS)]
        self.triggers = [f"{kind}{i}.{suffix}" for kind, suffix in (("k", "socket"), ("c", "timer"), ("w", "path")) for i in range(2)]
        self.accepting = ["a.socket"]
        self.triggered = [t.rpartition(".")[0] + ".service" for t in self.triggers]
        self.written = self.services + self.targets + self.triggers + self.accepting + self.triggered + \
            ["t@.service", "a@.service"] + SLICES
        self.started = self.services + self.targets + self.triggers + self.accepting + self.triggered + INSTANCES

    def _some(self, chance):
        return self.rng.random() < chance

    def _dependencies(self, name):
        rng, lines = self.rng, []
        kinds = ["Wants", "Requires", "Requisite", "BindsTo", "PartOf", "Upholds", "Conflicts", "OnFailure", "OnSuccess",
                 "PropagatesStopTo", "PropagatesReloadTo", "StopPropagatedFrom", "JoinsNamespaceOf"]
        for _ in range(rng.choice([0, 0, 1, 1, 2, 3])):
            kind, other = rng.choice(kinds), rng.choice(self.services + self.targets + INSTANCES + ["absent.service"])
            if kind == "JoinsNamespaceOf" and not other.endswith(".service"):
                continue
            lines.append(f"{kind}={other}")
            if self._some(0.6):
                lines.append(f"{rng.choice(['After', 'After', 'Before'])}={other}")
        for line, chance in (("StopWhenUnneeded=yes", 0.05), ("IgnoreOnIsolate=yes", 0.1),
                             ("AllowIsolate=yes", 1.0 if name.endswith(".target") else 0.05), ("JobTimeoutSec=2", 0.1),
                             ("JobRunningTimeoutSec=1", 0.05), ("ConditionPathExists=/run/soak/condition", 0.1),
                             ("AssertPathExists=/run/soak/condition", 0.05), ("CollectMode=inactive-or-failed", 0.1),
                             ("DefaultDependencies=no", 0.1), ("OnFailureJobMode=replace-irreversibly", 0.05)):
            if self._some(chance):
                lines.append(line)
        return lines

    def _command(self, acts):
        return f"{self.rng.choice(['', '', '', '-', '+', '!'])}{ACTOR} {acts}"

    def _service(self, kind):
        rng = self.rng
        lines = [f"Type={kind}", "TimeoutStartSec=1500ms", "TimeoutStopSec=700ms"]
        for _ in range(rng.choice([1, 2, 3]) if kind == "oneshot" else 1):
            lines.append(f"ExecStart={self._command(rng.choice(MAIN[kind]))}")
        for name, chance in (("ExecStartPre", 0.15), ("ExecStartPost", 0.15), ("ExecReload", 0.3), ("ExecStop", 0.2),
                             ("ExecStopPost", 0.15), ("ExecCondition", 0.05)):
            if self._some(chance):
                lines += [f"{name}={self._command(rng.choice(SHORT))}" for _ in range(rng.choice([1, 1, 2]))]
        restart = rng.choice(["no", "no", "on-failure", "always", "on-abnormal", "on-success", "on-abort", "on-watchdog"])
        if kind == "oneshot" and restart in ("always", "on-success"):
            restart = "no"
        lines += [f"Restart={restart}", f"RestartSec={rng.choice(['10ms', '50ms', '200ms'])}",
                  "KillMode=" + rng.choice(["control-group"] * 4 + ["mixed"] + (["process", "none"] if restart == "no" else []))]
        if kind == "forking" and self._some(0.5):
            lines.append("PIDFile=/run/soak/%N.pid")
        if kind.startswith("notify"):
            lines.append(f"NotifyAccess={rng.choice(['main', 'all', 'exec'])}")
        for line, chance in (
                ("RemainAfterExit=yes", 0.2), ("DynamicUser=yes", 0.06), ("RuntimeDirectory=soak-%N", 0.15),
                ("RuntimeDirectoryPreserve=restart", 0.05), ("FileDescriptorStoreMax=4", 0.2), ("WatchdogSec=300ms", 0.1),
                ("FileDescriptorStorePreserve=yes", 0.05), ("ExitType=cgroup", 0.1), ("RuntimeMaxSec=200ms", 0.08),
                ("SendSIGHUP=yes", 0.1), ("SendSIGKILL=no", 0.03), ("TimeoutStopFailureMode=abort", 0.05), ("PrivateTmp=yes", 0.04),
                ("User=nobody", 0.1), ("Slice=soak-a-b.slice", 0.2), ("Slice=soak.slice", 0.1), ("RestartMode=direct\n[Unit]\nStartLimitIntervalSec=1h\n[Service]", 0.1),
                ("RestartSteps=3\nRestartMaxDelaySec=300ms", 0.1), ("SuccessExitStatus=3 ABRT", 0.1), ("OOMPolicy=stop", 0.1),
                ("MemoryMax=64M", 0.1), ("StandardOutput=null", 0.1), ("StandardInput=null", 0.1), ("Delegate=yes", 0.05),
                ("ProtectSystem=strict", 0.04), ("PrivateUsers=yes", 0.03), ("StateDirectory=soak-%N", 0.05),
                ("BusName=a.b", 0.02), ("OpenFile=/etc/passwd:users", 0.05), ("LoadCredential=c:/etc/hostname", 0.05),
                ("WorkingDirectory=/absent", 0.03), ("User=absent", 0.02), ("SystemCallFilter=@system-service", 0.03)):
            if self._some(chance):
                lines.append(line)
        return lines

    def _trigger(self, name):
        rng, stem = self.rng, name.rpartition(".")[0]
        if name.endswith(".timer"):
            return ["[Timer]", rng.choice(["OnActiveSec=50ms", "OnUnitActiveSec=100ms\nOnActiveSec=20ms", "OnCalendar=*:*:*",
                                           "OnUnitInactiveSec=80ms\nOnActiveSec=10ms"]), "AccuracySec=1ms",
                    rng.choice(["RemainAfterElapse=no", "Persistent=no", "RandomizedDelaySec=20ms"])]
        if name.endswith(".path"):
            return ["[Path]", rng.choice(["PathExists", "PathChanged", "PathModified", "DirectoryNotEmpty"]) + f"=/run/soak/{stem}",
                    rng.choice(["MakeDirectory=yes", "TriggerLimitBurst=20"])]
        accept = name in self.accepting
        lines = ["[Socket]", f"ListenStream=/run/soak-{stem}.sock", f"Accept={'yes' if accept else 'no'}", f"RemoveOnStop={rng.choice(['yes', 'no'])}"]
        if not accept and self._some(0.5):
            lines += [f"ListenDatagram=@soak-{stem}", f"ListenFIFO=/run/soak-{stem}.fifo", "FlushPending=yes"]
        if self._some(0.2):
            lines += [f"ExecStartPre={self._command(rng.choice(SHORT))}", "TimeoutSec=1"]
        return lines

    def text(self, name):
        """A unit file's text."""
        rng = self.rng
        lines = ["[Unit]", f"Description=number {rng.randrange(1000)}", *self._dependencies(name)]
        if name.endswith(".slice"):
            lines += ["[Slice]", f"CPUWeight={rng.randrange(1, 1000)}"]
        elif name in self.triggers or name in self.accepting:
            lines += self._trigger(name)
        elif name.endswith(".service"):
            lines.insert(1, f"StartLimitIntervalSec={rng.choice(['0', '1', '10'])}")
            lines += ["[Service]", *self._service(rng.choice(list(MAIN)))]
            if name == "a@.service":
                lines += ["StandardInput=socket"]
        if self._some(0.5):
            lines += ["[Install]", f"WantedBy={rng.choice(self.targets)}", *(["Alias=soak-alias.service"] if self._some(0.1) and
                                                                              name.endswith(".service") and "@" not in name else [])]
        return "\n".join(lines) + "\n"
