"""A program does under the tracer what it does without: same output, same exit status, in any language.

Each program writes what it sees to its output and ends with a status of its own; it is run by the manager untraced, then by
`reeve try`, and both runs are compared."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "differential"))
import machine as machines  # noqa: E402
from conftest import Reeve, why_no_machine  # noqa: E402

GO = r"""
package main

import ("fmt"; "net"; "os"; "os/exec"; "sync")

func main() {
	_, err := os.ReadFile("/etc/absent-file")
	fmt.Println("read:", err)
	first, err := net.Listen("tcp", "127.0.0.1:18411")
	fmt.Println("listen:", err)
	_, err = net.Listen("tcp", "127.0.0.1:18411")
	fmt.Println("again:", err)
	var all sync.WaitGroup
	sums := make([]int, 32)
	for i := range sums {
		all.Add(1)
		go func(i int) { defer all.Done(); for k := 0; k < 1000; k++ { sums[i] += k } }(i)
	}
	all.Wait()
	fmt.Println("sum:", sums[31])
	out, err := exec.Command("/bin/echo", "child").Output()
	fmt.Printf("child: %s%v\n", out, err)
	first.Close()
	os.Exit(31)
}
"""

NODE = r"""
const fs = require("fs"), child = require("child_process"), { Worker } = require("worker_threads");
try { fs.readFileSync("/etc/absent-file"); } catch (e) { console.log("read:", e.code); }
console.log("child:", child.execFileSync("/bin/echo", ["child"]).toString().trim());
const w = new Worker("require('worker_threads').parentPort.postMessage(6 * 7)", { eval: true });
w.on("message", (m) => { console.log("worker:", m); process.exit(32); });
"""

JAVA = r"""
import java.nio.file.*;

public class T {
    public static void main(String[] args) throws Exception {
        try { Files.readString(Path.of("/etc/absent-file")); }
        catch (NoSuchFileException e) { System.out.println("read: " + e.getMessage()); }
        int[] sum = new int[1];
        Thread[] all = new Thread[8];
        for (int i = 0; i < all.length; i++) {
            all[i] = new Thread(() -> { for (int k = 0; k < 1000; k++) synchronized (sum) { sum[0]++; } });
            all[i].start();
        }
        for (Thread t : all) t.join();
        System.out.println("sum: " + sum[0]);
        Process p = new ProcessBuilder("/bin/echo", "child").start();
        System.out.println("child: " + new String(p.getInputStream().readAllBytes()).trim());
        System.exit(33);
    }
}
"""

STATIC = r"""
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
    FILE *f = fopen("/etc/absent-file", "r");
    printf("open: %s\n", f ? "there" : strerror(errno));
    fflush(stdout);
    int status;
    pid_t pid = vfork();
    if (pid == 0)
        _exit(5);
    waitpid(pid, &status, 0);
    printf("child: %d\n", WEXITSTATUS(status));
    return 34;
}
"""

SETUID = r"""
#include <stdio.h>
#include <unistd.h>

int main(void)
{
    printf("real %d effective %d\n", getuid(), geteuid());
    printf("shadow: %s\n", fopen("/etc/shadow", "r") ? "read" : "not read");
    return 35;
}
"""

SHELL = r"""#!/bin/sh
n=0
for i in 1 2 3 4 5 6 7 8 9 10; do
    for k in 1 2 3 4 5 6 7 8 9 10; do
        /bin/true && n=$((n + 1))
        [ "$(echo "$i" | cat)" = "$i" ] || echo lost
    done
done
echo "ran $n"
cat /etc/absent-file 2>&1
trap 'echo caught' USR1
kill -USR1 $$
exit 36
"""

SECCOMP = r"""#!/usr/bin/python3
import os, sys
try:
    os.mkdir("/tmp/made")
    print("mkdir: done")
except OSError as e:
    print("mkdir:", e.strerror)
try:
    os.chmod("/tmp", 0o1777)
    print("chmod: done")
except OSError as e:
    print("chmod:", e.strerror)
with open("/proc/self/status") as f:
    print([l for l in f if l.startswith("Seccomp:")])
sys.exit(37)
"""

REFUSES = r"""
#include <stdio.h>
#include <sys/ptrace.h>

int main(void)
{
    if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0) {
        puts("go away");
        return 99;
    }
    puts("alone");
    return 38;
}
"""


def built(folder, name, source, suffix, *command):
    """The source, built by the command, or as a script; None where the compiler is absent."""
    path = folder / f"{name}{suffix}"
    path.write_text(source)
    if not command:
        path.chmod(0o755)
        return path
    if not shutil.which(command[0]):
        return None
    done = subprocess.run([*command, path], cwd=folder, capture_output=True, text=True, timeout=300,
                          env=os.environ | {"GOCACHE": str(folder / "cache"), "GO111MODULE": "off",
                                            "CGO_ENABLED": "0"})
    assert done.returncode == 0, done.stderr
    return folder / name


@pytest.fixture(scope="module")
def programs():
    with tempfile.TemporaryDirectory(prefix="traced-") as name:
        yield pathlib.Path(name)


@pytest.fixture(scope="module")
def machine():
    if why := why_no_machine():
        pytest.skip(why)
    with machines.Machine(["/usr/local/bin/reeve", "init"], reeve=os.environ["REEVE"], name="traced") as m:
        yield Reeve(m)


def said(machine, unit):
    """The service's own words and the status of its last run."""
    words = machine.ctl("log", "-o", "cat", f"_SYSTEMD_UNIT={unit}",
                        f"_SYSTEMD_INVOCATION_ID={machine.show(unit, 'InvocationID')}")
    return words, machine.show(unit, "ExecMainCode", "ExecMainStatus")


def compare(machine, name, program, settings="", command=None):
    """Runs it untraced and traced; the answer of `try`, once both are found to be the same."""
    path = f"/usr/local/bin/{name}"
    target = machine.path(path)
    shutil.copy(program, target)
    target.chmod(0o755)
    unit = f"{name}.service"
    machine.write(unit, f"[Service]\nExecStart={command or path}\n{settings}\n")
    machine.ctl("daemon-reload")
    machine.ctl("start", unit, check=False)
    machine.wait(unit, timeout=60, ActiveState="failed")
    untraced = said(machine, unit)
    machine.ctl("reset-failed", unit)

    done = machine.run("reeve", "try", "-o", "json", "--for=30s", unit)
    answer = json.loads(done.stdout)
    if any(step["step"] == "untraced" for step in answer["steps"]):
        pytest.skip("the manager may not be traced here")
    tried = said(machine, unit)

    # There the program gets the tracer's filter, where it may have one.
    machine.run("reeve", "why", "--again", unit)
    assert masked(said(machine, unit)) == masked(tried)
    return answer, untraced, tried


def masked(words_and_status):
    """Without what a program sees of the filter itself."""
    words, status = words_and_status
    return [line for line in words.splitlines() if "Seccomp:" not in line], status


CASES = {
    "go": (GO, ".go", ("go", "build"), 31, "/etc/absent-file"),
    "node": (NODE, ".js", (), 32, "/etc/absent-file"),
    "java": (JAVA, ".java", (), 33, "/etc/absent-file"),
    "static": (STATIC, ".c", ("gcc", "-static", "-o", "static"), 34, "/etc/absent-file"),
    "shell": (SHELL, ".sh", (), 36, "/etc/absent-file"),
}


@pytest.mark.parametrize("name", CASES)
def test_same_as_untraced(machine, programs, name):
    source, suffix, command, status, traced = CASES[name]
    interpreter = {"node": "node", "java": "java"}.get(name)
    if interpreter and not shutil.which(interpreter):
        pytest.skip(f"needs {interpreter}")
    program = built(programs, name, source, suffix, *command)
    if program is None:
        pytest.skip(f"needs {command[0]}")
    run = None
    if interpreter:
        at = f"/srv/{name}{suffix}"
        shutil.copy(program, machine.path(at))
        run = f"{shutil.which(interpreter)} {at}"
    answer, before, after = compare(machine, f"traced-{name}", program, command=run)
    assert before == after
    assert after[1] == {"ExecMainCode": "1", "ExecMainStatus": str(status)}
    assert before[0].strip() and traced in json.dumps(answer["report"])


def test_a_setuid_helper_gets_its_user(machine, programs):
    program = built(programs, "helper", SETUID, ".c", "gcc", "-o", "helper")
    if program is None:
        pytest.skip("needs gcc")
    helper = machine.path("/usr/local/bin/setuid-helper")
    shutil.copy(program, helper)
    os.chown(helper, 0, 0)
    helper.chmod(0o4755)
    script = programs / "calls-helper"
    script.write_text("#!/bin/sh\n/usr/local/bin/setuid-helper\nexit $?\n")
    _, before, after = compare(machine, "calls-helper", script, settings="User=daemon")
    assert before == after
    assert "effective 0" in after[0] and "shadow: read" in after[0]


def test_a_filter_of_the_unit_stays_in_force(machine, programs):
    program = built(programs, "filtered", SECCOMP, ".py")
    _, before, after = compare(machine, "filtered", program, settings="""
SystemCallFilter=~mkdir mkdirat
SystemCallErrorNumber=EREMOTE
NoNewPrivileges=yes
PrivateTmp=yes""")
    assert before == after
    assert "Object is remote" in after[0] and "chmod: done" in after[0]


def test_a_program_that_refuses_to_be_traced_is_named(machine, programs):
    program = built(programs, "refuses", REFUSES, ".c", "gcc", "-o", "refuses")
    if program is None:
        pytest.skip("needs gcc")
    answer, before, after = compare(machine, "refuses", program)
    assert "alone" in before[0] and "go away" in after[0]
    assert any("does not want to be traced" in line for line in answer["report"]["blind"])
