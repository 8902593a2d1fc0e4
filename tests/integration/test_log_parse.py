"""[X-Reeve] LogParse= and `reeve tee --parse=`: level, place, trace id and fields out of what services print; the traces
of real runtimes as one entry each."""
import json
import os
import shutil
import subprocess

import pytest
from conftest import Reeve, machines, why_no_machine

PATIENCE = 60.0

pytestmark = pytest.mark.skipif(why_no_machine() is not None, reason=str(why_no_machine()))

LINES = {
    "json": ('{"level":"error","caller":"app/main.go:24","msg":"no","url":"/x","trace_id":"4bf9"}',
             {"PRIORITY": "3", "CODE_FILE": "app/main.go", "CODE_LINE": "24", "URL": "/x", "TRACE_ID": "4bf9"}),
    "logfmt": ('time=2024 level=WARN source=/src/main.go:7 msg="hello world" user=7',
               {"PRIORITY": "4", "CODE_FILE": "/src/main.go", "CODE_LINE": "7", "USER": "7"}),
    "go": ("2024/01/01 00:00:00 main.go:24: listen failed", {"PRIORITY": "6", "CODE_FILE": "main.go", "CODE_LINE": "24"}),
}


@pytest.fixture(scope="module")
def box():
    machine = machines.Machine(["/usr/local/bin/reeve", "init"], reeve=os.environ["REEVE"], name="parse").boot()
    yield Reeve(machine)
    machine.off()


def entries(box, *arguments):
    box.ctl("log", "--sync")
    return [json.loads(line) for line in box.ctl("log", "-o", "json", "-a", *arguments).splitlines()]


def said(box, *arguments):
    return [e for e in entries(box, *arguments) if e.get("_TRANSPORT") == "stdout"]


def run(box, unit, command, mode, **files):
    for name, text in files.items():
        box.write(f"/opt/{name.replace('__', '.')}", text, mode=0o755)
    box.write(f"{unit}.service", f"[Service]\nExecStart={command}\n[X-Reeve]\nLogParse={mode}\n")
    box.ctl("daemon-reload")
    box.ctl("start", f"{unit}.service")
    box.until(lambda: box.show(f"{unit}.service", "ActiveState") in ("inactive", "failed"), PATIENCE)


@pytest.mark.parametrize("mode", LINES)
def test_unit(box, mode):
    line, fields = LINES[mode]
    box.write(f"/opt/{mode}.txt", line + "\nplain line\n<4>marked\n")
    run(box, f"talk-{mode}", f"/bin/cat /opt/{mode}.txt", mode)
    own = said(box, "-u", f"talk-{mode}")
    assert [e["MESSAGE"] for e in own] == [line, "plain line", "marked"]
    assert {k: own[0].get(k) for k in fields} == fields
    assert [e["PRIORITY"] for e in own[1:]] == ["6", "4"]
    assert own[0]["_SYSTEMD_UNIT"] == f"talk-{mode}.service"
    assert box.show(f"talk-{mode}.service", "LogParse") == mode


def test_without_it_lines_stay_apart(box):
    box.write("/opt/trace.txt", "panic: no\n\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:1\n")
    run(box, "apart", "/bin/cat /opt/trace.txt", "none")
    own = said(box, "-u", "apart")
    assert [e["MESSAGE"] for e in own] == ["panic: no", "goroutine 1 [running]:", "main.main()", "\t/x.go:1"]
    assert {e["PRIORITY"] for e in own} == {"6"}


def test_trace_in_pieces_and_in_between(box):
    """Written line by line, with pauses; an unfinished line behind it; a process that goes on."""
    script = r"""#!/bin/sh
        echo before
        echo 'panic: first'
        echo
        echo 'goroutine 1 [running]:'
        printf 'main.ma'
        printf 'in()\n'
        printf '\t/x.go:1\n'
        echo after
        echo 'Traceback (most recent call last):'
        printf '  File "x"\nValueError: no\nunfinished'
    """
    run(box, "pieces", "/opt/pieces", "go", pieces=script)
    own = said(box, "-u", "pieces")
    assert [e["MESSAGE"] for e in own] == [
        "before", "panic: first\n\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:1", "after",
        'Traceback (most recent call last):\n  File "x"\nValueError: no', "unfinished"]
    assert [(e["PRIORITY"], e.get("LOG_TRACE")) for e in own] == [
        ("6", None), ("2", "go"), ("6", None), ("3", "python"), ("6", None)]


def test_trace_of_a_service_that_stays(box):
    """It is shown without another line, or the end, of the service."""
    box.write("/opt/stay.txt", "panic: kept\n\ngoroutine 1 [running]:\nmain.main()\n")
    box.write("stay.service", "[Service]\nExecStart=/bin/sh -c 'cat /opt/stay.txt; exec sleep infinity'\n"
                              "[X-Reeve]\nLogParse=go\n")
    box.ctl("daemon-reload")
    box.ctl("start", "stay.service")
    whole = "panic: kept\n\ngoroutine 1 [running]:\nmain.main()"
    box.until(lambda: whole in [e["MESSAGE"] for e in said(box, "-u", "stay")], PATIENCE)
    box.ctl("stop", "stay.service")


def traced(box, unit, runtime):
    found = [e for e in said(box, "-u", unit) if e.get("LOG_TRACE")]
    assert [e["LOG_TRACE"] for e in found] == [runtime], [e["MESSAGE"] for e in said(box, "-u", unit)]
    return found[0]["MESSAGE"]


def test_python(box):
    run(box, "python", "/usr/bin/python3 /opt/boom.py", "json",
        boom__py="def f():\n    raise ValueError('no')\ntry:\n    f()\nexcept ValueError as e:\n    raise OSError('worse') from e\n")
    text = traced(box, "python", "python")
    assert text.startswith("Traceback") and "direct cause" in text and text.endswith("OSError: worse")


def test_node(box):
    if not os.path.exists("/usr/bin/node"):
        pytest.skip("no node (Debian: nodejs)")
    run(box, "node", "/usr/bin/node /opt/boom.js", "json", boom__js="function f() { throw new Error('no'); }\nf();\n")
    text = traced(box, "node", "node")
    assert "/opt/boom.js:1" in text and "Error: no" in text and "Node.js v" in text


def test_java(box):
    if not shutil.which("javac"):
        pytest.skip("no Java compiler (Debian: default-jdk-headless)")
    run(box, "java", "/usr/bin/java /opt/Boom.java", "json", Boom__java="""
        public class Boom {
            static void f() { throw new IllegalStateException("no", new java.io.IOException("x")); }
            public static void main(String[] a) { f(); }
        }
    """)
    text = traced(box, "java", "java")
    assert "IllegalStateException: no" in text and "Caused by: java.io.IOException: x" in text


@pytest.mark.parametrize("mode", LINES)
def test_tee(box, mode):
    line, fields = LINES[mode]
    box.write("/opt/tee.txt", line + "\npanic: no\n\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:1\nlast")
    name = f"tee-{mode}"
    done = box.run("sh", "-c", f"reeve tee -t {name} -p notice --parse={mode} </opt/tee.txt")
    assert done.returncode == 0, done.stderr
    own = entries(box, "-t", name)
    assert [e["MESSAGE"] for e in own] == [line, "panic: no\n\ngoroutine 1 [running]:\nmain.main()\n\t/x.go:1", "last"]
    fields = {**fields, **({"PRIORITY": "5"} if mode == "go" else {})}
    assert {k: own[0].get(k) for k in fields} == fields
    assert (own[1]["PRIORITY"], own[1]["LOG_TRACE"], own[2]["PRIORITY"]) == ("2", "go", "5")


def test_tee_keeps_the_program_in_its_place(box):
    done = box.run("reeve", "tee", "-t", "teecmd", "--parse=json", "sh", "-c", "echo '{\"level\":\"error\",\"a\":\"b\"}'; exit 7")
    assert done.returncode == 7
    box.until(lambda: any(e.get("A") == "b" and e["PRIORITY"] == "3" for e in entries(box, "-t", "teecmd")), PATIENCE)
    assert "takes json" in box.run("reeve", "tee", "--parse=xml", "true").stderr
    missing = box.run("reeve", "tee", "--parse=json", "/nosuch")
    assert missing.returncode == 1 and "cannot be run" in missing.stderr
