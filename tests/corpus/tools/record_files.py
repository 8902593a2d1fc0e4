#!/usr/bin/env python3
"""Records what systemd-analyze says of files: conditions, configuration, unit files, security. And of a start.

    record_files.py PARTS ROOT CMD...

PARTS are of boot, files, security and verify, with commas between them. CMD runs a command line on a machine that systemd 257 has booted, and whose root folder is ROOT here.

"$D" stands for the folder with the files of FILES. tests/integration/test_analyze.py replays the runs.
"""
import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = "/root/corpus"

FILES = {
    "etc/foo.conf": "# main\n\n[A]\nx=1\n; gone\n[B]\n# nothing here\n[C]\ny=1\n",
    "etc/foo.conf.d/10-a.conf": "[A]\n; c\nx=2",
    "usr/lib/foo.conf.d/10-a.conf": "y\n",
    "usr/lib/foo.conf.d/20-b.conf": "z\n",
    "run/foo.conf.d/20-b.conf": "",
    "usr/lib/foo.conf.d/README": "no\n",
    "usr/lib/bar.conf": "vendor\n",
    "usr/local/lib/bar.conf.d/5.conf": "local\n",
    "etc/only.conf.d/1.conf": "drop-in\n",
    "f": "x", "empty": "", "dir/x": "",
}

CONDITIONS = [
    ["ConditionPathExists=$D/f"], ["ConditionPathExists=!$D/f"], ["ConditionPathExists=$D/nope"], ["ConditionPathExists=|$D/nope"],
    ["AssertPathExists=$D/f", "ConditionPathExists=$D/nope"], ["AssertPathExists=$D/nope", "ConditionPathExists=$D/f"],
    ["ConditionPathExists=|$D/f", "ConditionPathExists=|$D/nope"], ["ConditionPathExists=|$D/nope", "ConditionPathExists=|$D/f"],
    ["ConditionPathExists=|$D/nope", "ConditionPathExists=|!$D/f", "ConditionPathIsDirectory=$D/dir"],
    ["ConditionPathExists = ! $D/nope"], ["ConditionPathExists  =$D/f"], ["ConditionPathExists"], ["Foo=bar"], ["ConditionFoo=x"],
    ["ConditionPathExists="], ["AssertPathExists="], ["ConditionPathExists=$D/f", "nonsense"], [""], ["=x"],
    ["ConditionFileNotEmpty=$D/f"], ["ConditionFileNotEmpty=$D/empty"], ["ConditionDirectoryNotEmpty=$D/dir"],
    ["ConditionDirectoryNotEmpty=$D/f"], ["ConditionPathIsDirectory=$D"], ["ConditionPathIsDirectory=$D/f"],
    ["ConditionPathIsSymbolicLink=$D/f"], ["ConditionPathExistsGlob=$D/*"], ["ConditionPathExistsGlob=$D/z*"],
    ["ConditionFileIsExecutable=$D/f"], ["ConditionFileIsExecutable=/bin/sh"], ["ConditionPathIsReadWrite=$D"],
    ["ConditionUser=root"], ["ConditionUser=!root"], ["ConditionUser=0"], ["ConditionUser=@system"], ["ConditionUser=nobody"],
    ["ConditionGroup=root"], ["ConditionGroup=nosuch"], ["ConditionCapability=CAP_CHOWN"], ["ConditionCapability=CAP_NOSUCH"],
    ["ConditionKernelVersion=>=3.0"], ["ConditionKernelVersion=<3.0"], ["ConditionKernelVersion=! <3.0"],
    ["ConditionArchitecture=native"], ["ConditionArchitecture=!s390"], ["ConditionArchitecture=s390"],
    ["ConditionMemory=>1M"], ["ConditionMemory=<1M"], ["ConditionMemory=>bogus"], ["ConditionCPUs=>0"], ["ConditionCPUs=>100000"],
    ["ConditionEnvironment=PATH"], ["ConditionEnvironment=NOSUCH"], ["ConditionEnvironment=LC_ALL=C.UTF-8"],
    ["ConditionOSRelease=ID=debian"], ["ConditionOSRelease=ID!=debian"], ["ConditionOSRelease=VERSION_ID>=99"],
    ["ConditionOSRelease=ID=$deb*"], ["ConditionOSRelease=ID$=deb*"], ["ConditionOSRelease=ID!$=deb*"], ["ConditionOSRelease=ID$=x*"], ["ConditionSecurity=smack"], ["ConditionSecurity=nosuch"], ["ConditionCredential=nosuch"],
    ["ConditionHost=nosuch"], ["ConditionHost=!nosuch"], ["ConditionKernelCommandLine=nosuch"], ["ConditionCPUFeature=nosuch"],
    ["ConditionVersion=systemd >= 1"], ["AssertUser=root", "AssertUser=!root"], ["AssertUser=!root", "AssertUser=root"],
    ["-q", "AssertUser=!root"], ["-q", "ConditionPathExists=$D/f"], ["--unit=dbus.service", "ConditionPathExists=/x"], [],
    ["--unit=nosuch.service"], ["--unit=nosuch"], ["--unit=systemd-networkd.service"], ["--unit=dbus"], ["--unit=rc-local.service"],
    ["--unit=systemd-hwdb-update.service"], ["--unit=systemd-ask-password-wall.path"],
]

OTHERS = [
    *[["cat-config", f"--root=$D", *x] for x in
      [["foo.conf"], ["--tldr", "foo.conf"], ["/etc/foo.conf"], ["/usr/lib/bar.conf"], ["nosuch.conf"], ["/tmp/foo.conf"],
       ["foo.conf", "bar.conf"], ["only.conf"], ["--tldr", "bar.conf"], ["/run/foo.conf"], ["/usr/local/lib/bar.conf"]]],
    ["cat-config"], ["cat-config", "--user", "foo.conf"], ["cat-config", "--global", "x"], ["cat-config", "--unit=x", "x"],
    ["unit-paths"], ["unit-paths", "x"], ["unit-paths", "--global"], ["unit-paths", "--user"], ["unit-paths", "--root=/x"],
    ["unit-files", "dbus*"], ["unit-files", "getty*", "serial*"], ["unit-files", "nosuch"], ["unit-files"],
    ["unit-files", "--global"], ["unit-files", "--root=/x"],
    *[["compare-versions", *x] for x in
      [["1.2", "1.10"], ["2", "1"], ["1", "1"], ["1", "foo", "2"], ["1"], [], ["1", "2", "3", "4"], ["1~rc1", "1"], ["1-1", "1"],
       ["1^a", "1"], ["1.0", "1"], ["a", "b"], ["", "1"], ["1.2.3", "1.2-3"], ["a1", "1a"], ["007", "7"], ["1..2", "1.2"]]],
    *[["compare-versions", "1.2", op, other] for op, other in
      itertools.product(["lt", "<", "le", "<=", "eq", "==", "ne", "!=", "ge", ">=", "gt", ">"], ["1.10", "1.2", "1.1"])],
    *[["capability", *x] for x in
      [["cap_chown"], ["5"], ["CAP_SYS_ADMIN", "0"], ["nosuch"], ["99"], ["--mask", "21"], ["-m", "3"], ["-m", "x"],
       ["-m", "1", "2"], ["--json=short", "1", "2"], ["--json=pretty", "3"]]],
    ["exit-status", "--json=short", "1", "2", "99"], ["exit-status", "--json=pretty", "203"], ["exit-status", "--json=off", "1"],
    ["--json=foo", "exit-status"], ["calendar", "--json=short", "daily"], ["blame", "x"], ["time", "x"], ["plot", "x"],
    ["--offline=yes", "blame"], ["--offline=foo", "security"], ["--offline=yes", "security"], ["--threshold=200", "security"],
    ["--threshold=2", "blame"], ["--security-policy=x", "blame"], ["--table", "blame"], ["--no-legend", "blame"],
    ["--unit=x", "blame"], ["--global", "blame"], ["--root=/x", "blame"], ["--recursive-errors=x", "verify", "y"],
    *[["syscall-filter", *x] for x in
      [[], ["nosuch"], ["@clock", "@nosuch"], ["clock"], ["@known"], ["@system-service", "@swap"], ["@default"], ["@obsolete"]]],
    *[["filesystems", *x] for x in
      [[], ["nosuch"], ["@basic-api", "@nosuch"], ["ext4"], ["@known"], ["@network", "@temporary"], ["@security"]]],
    *[["architectures", *x] for x in
      [[], ["native"], ["x86-64", "arm"], ["foo"], ["x86", "foo"], ["x86", "x86"], ["--json=short", "native"], ["--json=pretty", "sh64"]]],
    ["syscall-filter", "--json=short", "@clock"], ["filesystems", "--json=short"], ["--global", "syscall-filter"],
    ["verify"], ["security", "--root=/x", "y"], ["--man=foo", "verify", "x"], ["--no-legend", "exit-status"],
]

SECURITY = """
User=root|User=adm|User=nobody|DynamicUser=yes|User=adm;RemoveIPC=yes|User=adm;SupplementaryGroups=video|PrivateTmp=yes
PrivateTmp=disconnected|PrivateUsers=yes|PrivateUsers=identity|ProtectHome=yes|ProtectHome=read-only|ProtectHome=tmpfs
ProtectSystem=yes|ProtectSystem=full|ProtectSystem=strict|RootDirectory=/srv|RootDirectory=/|KeyringMode=shared
KeyringMode=inherit|ProtectProc=invisible|ProtectProc=ptraceable|ProcSubset=pid|NotifyAccess=all|NotifyAccess=exec
UMask=0000|UMask=0002|UMask=0007|UMask=0027|UMask=0037|UMask=0077|Delegate=yes|Delegate=cpu|SystemCallArchitectures=native
SystemCallArchitectures=native x86|SystemCallFilter=@system-service|SystemCallFilter=~@swap|SystemCallFilter=@swap
SystemCallFilter=~@privileged @resources|SystemCallFilter=@system-service;SystemCallFilter=~@privileged @resources
SystemCallFilter=@basic-io|SystemCallFilter=~swapon|SystemCallFilter=~@clock @debug @module @mount @raw-io @reboot @swap
SystemCallFilter=~@resources:EPERM|IPAddressDeny=any|IPAddressDeny=any;IPAddressAllow=localhost
IPAddressDeny=any;IPAddressAllow=10.0.0.0/8|IPAddressDeny=10.0.0.0/8|IPAddressDeny=0.0.0.0/0 ::/0|DevicePolicy=strict
DevicePolicy=closed|PrivateDevices=yes|DeviceAllow=/dev/null rw|DevicePolicy=closed;DeviceAllow=/dev/sda rw
AmbientCapabilities=CAP_KILL|CapabilityBoundingSet=|CapabilityBoundingSet=CAP_KILL|CapabilityBoundingSet=~CAP_SYS_ADMIN
CapabilityBoundingSet=~CAP_SETUID|ProtectClock=yes|ProtectKernelModules=yes|ProtectKernelLogs=yes|ProtectKernelTunables=yes
ProtectControlGroups=yes|ProtectHostname=yes|PrivateNetwork=yes|PrivateMounts=yes|PrivateMounts=no|LockPersonality=yes
MemoryDenyWriteExecute=yes|NoNewPrivileges=yes|RestrictRealtime=yes|RestrictSUIDSGID=yes|RestrictNamespaces=yes
RestrictNamespaces=~user|RestrictNamespaces=mnt net|RestrictAddressFamilies=none|RestrictAddressFamilies=AF_UNIX
RestrictAddressFamilies=~AF_PACKET|RestrictAddressFamilies=AF_INET AF_INET6|RestrictAddressFamilies=~AF_INET AF_INET6
RestrictAddressFamilies=AF_UNIX AF_BLUETOOTH|RestrictAddressFamilies=~AF_BLUETOOTH
DynamicUser=yes;ProtectHome=yes;PrivateDevices=yes;ProtectKernelTunables=yes;ProtectKernelModules=yes;PrivateNetwork=yes
User=adm;ProtectSystem=strict;ProtectHome=yes;PrivateTmp=yes;NoNewPrivileges=yes;CapabilityBoundingSet=;UMask=0077
""".strip().replace("\n", "|").split("|")

# Units, and files for --security-policy= and --profile=, in $D.
REVIEWS = [
    ("PrivateTmp=yes", ["--security-policy=$D/p.json"], {"p.json": text}) for text in [
        "{}", '{"PrivateDevices":{"weight":0}}', '{"PrivateDevices":{"weight":0,"description_na":"N"},"RemoveIPC":{"weight":0}}',
        '{"PrivateDevices":{"description_good":"G","description_bad":"B"},"PrivateTmp":{"description_good":"TG","description_bad":"TB"}}',
        '{"RemoveIPC":{"description_na":"N","description_bad":"B"}}', '{"Nosuch":{"weight":1},"PrivateDevices":{"nosuch":1,"weight":7}}',
        '{"PrivateDevices":{"weight":"7"},"PrivateTmp":{"range":4},"PrivateNetwork":{"range":4}}', '{"PrivateDevices":{"weight":-7}}',
        '{"PrivateDevices":3}', "[1]", '{"PrivateDevices":{"description_bad":7}}', '{"PrivateDevices":{"weight":1.5}}',
        '{"UMask":{"range":100,"weight":10000},"NotifyAccess":7,"UserOrDynamicUser":{"weight":1}}',
        '{"SystemCallFilter_swap":{"weight":20000,"range":30},"IPAddressDeny":{"weight":0}}']
] + [
    ("PrivateTmp=yes", ["--profile=$D/a.conf"], {"a.conf": "[Service]\n" + text}) for text in
    ["PrivateDevices=yes\nUser=adm\n", "PrivateTmp=no\n", "ExecStart=\nExecStart=/bin/false\nUMask=0077\n", "ProtectSystem=strict\n"]
] + [
    ("User=adm", ["--profile=$D/a.conf", "--security-policy=$D/p.json"],
     {"a.conf": "[Service]\nProtectHome=yes\n", "p.json": '{"ProtectHome":{"description_good":"as it should be"}}'}),
    ("User=adm", ["--security-policy=", ], {}),
]
WRONG_REVIEWS = [
    (["--security-policy=$D/nosuch.json"], {}), (["--security-policy=$D/p.json"], {"p.json": "{"}), (["--profile=nosuch"], {}),
    (["--profile=$D/x"], {}), (["--profile=$D/nosuch.conf"], {}), (["--profile="], {}),
]

# Whether systemd-analyze verify finds fault; its words are its own.
VERIFY = {
    "ok.service": "[Service]\nExecStart=/bin/true\n",
    "unknown.service": "[Unit]\nFoo=1\n[Service]\nExecStart=/bin/true\nBogus=1\nRestart=sometimes\nTimeoutSec=abc\n[Nope]\na=b\n",
    "nothing.service": "[Unit]\nDescription=x\n", "noexec.service": "[Service]\nType=simple\n",
    "missing.service": "[Service]\nExecStart=/usr/bin/nosuch\n", "bare.service": "[Service]\nExecStart=nosuchprogram\n",
    "dash.service": "[Service]\nExecStart=-/usr/bin/nosuch\n", "stop.service": "[Service]\nExecStart=/bin/true\nExecStop=/nosuch\n",
    "relative.service": "[Service]\nExecStart=./x\n", "multi.service": "[Service]\nExecStart=/bin/true\nExecStart=/bin/false\n",
    "needs.service": "[Unit]\nRequires=nosuch.service\n[Service]\nExecStart=/bin/true\n",
    "wants.service": "[Unit]\nWants=nosuch.service\nAfter=other.service\n[Service]\nExecStart=/bin/true\n",
    "one.service": "[Unit]\nAfter=two.service\nRequires=two.service\n[Service]\nExecStart=/bin/true\n",
    "two.service": "[Unit]\nAfter=one.service\nRequires=one.service\n[Service]\nExecStart=/bin/true\n",
    "self.service": "[Unit]\nAfter=self.service\n[Service]\nExecStart=/bin/true\n",
    "busy.service": "[Service]\nType=dbus\nExecStart=/bin/true\n",
    "once.service": "[Service]\nType=oneshot\nRestart=always\nExecStart=/bin/true\n",
    "quote.service": "[Service]\nExecStart=/bin/sh -c 'echo\n", "head.service": "[Service]\nExecStart=/bin/true\n[broken\n",
    "equal.service": "[Service]\nExecStart=/bin/true\ngarbage\n", "man.service": "[Unit]\nDocumentation=man:nosuchpage(8)\n[Service]\nExecStart=/bin/true\n",
    "five.service": "[Service]\nUser=nosuchuser\nWorkingDirectory=/nosuch\nEnvironmentFile=/nosuch\nStandardOutput=append:/nosuch/x\nReadWritePaths=/nosuch\nExecStart=/bin/true\n",
    "tpl@.service": "[Service]\nExecStart=/bin/echo %i\n", "alone.socket": "[Socket]\nListenStream=/run/x\n",
    "ok.socket": "[Socket]\nListenStream=/run/x\n", "bad.timer": "[Timer]\nOnCalendar=foo\n", "ok.timer": "[Timer]\nOnCalendar=daily\n",
    "foo.bar": "x\n", "old.service": "[Service]\nExecStart=/bin/true\nKillMode=none\nMemoryLimit=1G\nStandardOutput=syslog\nPIDFile=/var/run/x.pid\n",
    "empty.target": "[Unit]\nDescription=x\n", "lost.path": "[Path]\nPathExists=/x\n",
}


def run(args, files=None):
    folder = Path(ROOT + FOLDER)
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in (files or FILES).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    command = [*COMMAND, "env", "-i", "PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/root", "systemd-analyze",
               *[a.replace("$D", FOLDER) for a in args]]
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL)
    shutil.rmtree(folder, ignore_errors=True)
    return {"args": args, "status": done.returncode, "out": done.stdout.decode().replace(FOLDER, "$D"),
            "err": done.stderr.decode().replace(FOLDER, "$D")}


def security():
    """Rows are given where they differ from the first, that of a unit with nothing set."""
    base = {}
    for settings in ["", *SECURITY]:
        for unit in ["", "[Unit]\nDefaultDependencies=no\n"] if settings in ("", "PrivateTmp=yes") else [""]:
            text = unit + "[Service]\nExecStart=/bin/true\n" + settings.replace(";", "\n") + "\n"
            row = run(["security", "--offline=yes", "--json=short", "$D/x.service"], {"x.service": text})
            rows = {r["json_field"]: [r["set"], r["exposure"]] for r in json.loads(row["out"])}
            plain = run(["security", "--offline=yes", "$D/x.service"], {"x.service": text})
            changed = {name: r for name, r in rows.items() if base.get(name) != r}
            base = base or rows
            yield {"unit": text, "changed": changed, "last": plain["out"].splitlines()[-1]}


def reviews():
    base = None
    for setting, options, files in [("", [], {}), *REVIEWS]:
        files = {**files, "x.service": f"[Service]\nExecStart=/bin/true\n{setting}\n"}
        row = run(["security", "--offline=yes", "--json=short", *options, "$D/x.service"], files)
        rows = {r["json_field"]: [r["set"], r["exposure"], r["description"]] for r in json.loads(row["out"])}
        plain = run(["security", "--offline=yes", *options, "$D/x.service"], files)
        # Words are the policy's, or the tool's own.
        rows = {n: [*r[:2], r[2] if f'"{r[2]}"' in files.get("p.json", "") else None] for n, r in rows.items()}
        base = base or rows
        yield {"options": options, "files": files, "last": plain["out"].splitlines()[-1],
               "changed": {n: r for n, r in rows.items() if rows is base or base[n] != r}}
    for options, files in WRONG_REVIEWS:
        files = {**files, "x.service": "[Service]\nExecStart=/bin/true\n"}
        row = run(["security", "--offline=yes", *options, "$D/x.service"], files)
        yield {"options": options, "files": files, "status": row["status"], "err": row["err"]}


def write(name, rows, version):
    with open(HERE / name, "w") as file:
        for row in [{"version": version, "made by": "record_files.py"}, *rows]:
            print(json.dumps(row, ensure_ascii=False), file=file)
    print(f"{name}: {len(rows)} runs")


def boot():
    def ask(*args):
        done = subprocess.run([*COMMAND, *args], capture_output=True, stdin=subprocess.DEVNULL)
        return {"args": list(args[1:]), "status": done.returncode, "out": done.stdout.decode(), "err": done.stderr.decode()}

    runs = [["time"], [], ["blame"], ["critical-chain"], ["critical-chain", "cron.service"], ["critical-chain", "dbus"],
            ["critical-chain", "basic.target", "sysinit.target"], ["critical-chain", "nosuch.service"], ["critical-chain", "dbus.service"],
            ["critical-chain", "--fuzz=100ms", "cron.service"], ["critical-chain", "--fuzz=1s", "systemd-tmpfiles-setup.service"],
            ["critical-chain", "fstrim.service"], ["plot", "--json=short"], ["plot", "--table"], ["plot", "--table", "--no-legend"],
            ["dot"], ["dot", "--order"], ["dot", "--require"], ["dot", "dbus.service"], ["dot", "cron*", "--from-pattern=cron*"],
            ["dot", "--to-pattern=*.slice"], ["dot", "-q", "dbus.*"]]
    version = ask("systemd-analyze", "--version")["out"].splitlines()[0]
    for args in runs: # asked twice: what is started by asking is there then
        ask("systemd-analyze", *args)
    document = {"version": version, "manager": ask("systemctl", "show")["out"],
                "units": ask("systemctl", "show", "--all", "*", "-p", ",".join([
                    "Id", "Names", "ActiveState", "LoadState", "After", "Before", "Requires", "Requisite", "BindsTo", "Wants", "Conflicts",
                    "InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic", "ActiveExitTimestampMonotonic",
                    "InactiveEnterTimestampMonotonic", "ExecMainStartTimestampMonotonic", "ExecMainHandoffTimestampMonotonic"]))["out"],
                "runs": [ask("systemd-analyze", *args) for args in runs]}
    (HERE / "boot.json").write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def main():
    version = subprocess.run([*COMMAND, "systemd-analyze", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    if "boot" in PARTS:
        boot()
    if "files" in PARTS:
        write("files.jsonl", [run(a) for a in [*[["condition", *c] for c in CONDITIONS], *OTHERS]], version)
    if "security" in PARTS:
        write("security.jsonl", list(security()), version)
        write("reviews.jsonl", list(reviews()), version)
    if "verify" in PARTS:
        verify(version)


def verify(version):
    rows = [run(["verify", "$D/" + name], VERIFY) for name in VERIFY]
    rows += [run(["verify", "--recursive-errors=no", "$D/needs.service"], VERIFY), run(["verify", "nosuch.service"], VERIFY),
             run(["verify", "--man=no", "$D/man.service"], VERIFY), run(["verify", "$D/nosuch.service"], VERIFY)]
    write("verify.jsonl", [{"files": VERIFY}, *rows], version)


if __name__ == "__main__":
    PARTS, ROOT, COMMAND = sys.argv[1].split(","), sys.argv[2], sys.argv[3:]
    main()
