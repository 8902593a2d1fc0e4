#!/usr/bin/env python3
"""Records what systemd-notify sends, prints and exits with, and replays it.

    notify.py CMD... >notify.jsonl    CMD runs a command line on a machine of systemd 257 that has Python

tests/integration/test_small_tools.py replays the runs, by play()."""
import array
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading

SOCKETS = {"path": None, "abstract": None, "none": None, "empty": "", "missing": "/nonexistent/notify", "relative": "notify",
           "long": "/" + "x" * 200, "vsock": "vsock:nonsense", "directory": "/tmp"}
READY = ["--ready"]
RUNS = [("path", args) for args in [
    [], READY, ["--status=hello"], ["--status="], ["--status=two words", *READY], [*READY, "X=1", "Y=2"], ["STATUS=a b"],
    ["--reloading"], ["--stopping"], [*READY, "--reloading"], [*READY, "--stopping"], ["WATCHDOG=1"], ["A=", "B=x=y"],
    ["--pid"], ["--pid="], ["--pid=self"], ["--pid=parent"], ["--pid=auto"], ["--pid=1"], ["--pid=0"], ["--pid=99999999"],
    ["--pid=abc"], ["--pid=-1"], ["--pid", *READY, "--status=x"], ["--uid=nobody", *READY], ["--uid=0", *READY],
    ["--uid=65534", *READY], ["--uid=nosuchuser", *READY], ["--uid=", *READY], ["--pid", "--uid=nobody", *READY],
    ["--no-block", *READY], ["--no-block"], ["--fd=10"], ["--fd=10", "--fdname=foo"], ["--fd=10", "--fd=11", *READY],
    ["--fd=99"], ["--fd=abc"], ["--fd=-1"], ["--fd=0"], ["--fdname=foo"], ["--fdname=foo", *READY], ["--fdname=a:b", "--fd=10"],
    ["--fdname=", "--fd=10"], ["--fd=10", "--fd=10"], ["--fd=10", "FDSTORE=1"], ["--fd=10", "--no-block"],
    ["--exec", *READY, ";", "echo", "hi"], ["--exec", *READY], ["--exec", *READY, ";"], ["--exec", ";", "echo", "hi"],
    [*READY, ";", "echo", "hi"], ["--exec", *READY, ";", "/nosuch/program"], ["--exec", *READY, ";", "sh", "-c", "exit 7"],
    ["--exec", "A=1", ";", "echo", "--ready"], ["--exec", *READY, "--", "B=2", ";", "echo", "hi"], ["nonsense"], ["=x"], ["READY"],
    ["A=1", "nonsense"], [*READY, "nonsense"], ["--bogus"], ["--status"], ["--pid=1", "MAINPID=5"], [*READY, "--", "-x"],
    [*READY, "--", "X=-x"], ["a=1\nb=2"], ["--status=a\nREADY=1"], ["1A=x"], ["lower=case"], ["A B=x"], ["Ä=ö"], ["--rea"],
    ["--re"], ["--statu=x"], ["--ready=yes"], ["--booted"], ["--booted", *READY], ["BARRIER=1"], ["EXTEND_TIMEOUT_USEC=1"],
    ["--fd=10", "X=1"], ["--fd=10", "--fdname=n", "X=1"], ["--fd=10", "--fdname=n", "FDNAME=m"], ["X=1", "X=2"], [*READY, "READY=0"],
    ["X=1", "Y=1", "X=2"], ["x", "x"], [*READY, "STATUS=a", "--status=b"], ["--status=a", "--status=b"], ["--pid=self", "--pid=1"],
    ["--exec", *READY, ";", "--", "echo", "hi"], ["--exec", "--", *READY, ";", "echo", "hi"], ["--exec", "A=1", ";", ";", "echo"],
    ["--exec", "--booted", "A=1", ";", "echo", "hi"], ["--exec", "--no-block", "A=1", ";", "printenv", "NOTIFY_SOCKET"],
    ["--uid=nobody", "--pid=self", "--status=x"], ["--fd=10", "--booted"], ["--uid=nobody", "--exec", "A=1", ";", "id", "-u"],
    ["--fd=10", "--exec", "A=1", ";", "sh", "x"], ["--pid=self", "MAINPIDFDID=7"], ["--stopping", "--status=b", "A=1", "--reloading"]]
] + [(s, args) for s in SOCKETS if s != "path" for args in [READY, ["--status=x", "--no-block"], ["--pid=self"]]]


def receive(server, got):
    """Until the socket is shut down; closes descriptors, which is what a barrier waits for."""
    while True:
        data, control, _, _ = server.recvmsg(65536, 4096)
        if data == b"end of the run":
            return
        fds, credentials = [], None
        for level, kind, content in control:
            if kind == socket.SCM_RIGHTS:
                fds = array.array("i", content[:len(content) // 4 * 4])
            elif kind == socket.SCM_CREDENTIALS:
                credentials = list(array.array("i", content[:12]))
        for fd in fds:
            os.close(fd)
        got.append([data.decode(), len(fds), credentials])


def play(tool, kind, args, executable=None):
    """Runs it; what it printed, and the datagrams: text, descriptors, who sent it."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        address = f"{folder}/notify" if kind != "abstract" else f"\0notify-{os.getpid()}"
        server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        server.bind(address)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        if kind != "abstract":
            os.chmod(address, 0o777)
        got = []
        thread = threading.Thread(target=receive, args=(server, got))
        thread.start()
        env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        if kind != "none":
            env["NOTIFY_SOCKET"] = address.replace("\0", "@") if kind in ("path", "abstract") else SOCKETS[kind]
        for fd in (10, 11):
            os.dup2(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC), fd)
        process = subprocess.Popen([tool, *args], executable=executable, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, pass_fds=(10, 11), cwd=folder)
        out, err = process.communicate(timeout=60)
        end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        end.sendto(b"end of the run", address)
        thread.join()
        server.close()
    names = {process.pid: "SELF", os.getpid(): "PARENT"}

    def name(text):
        text = re.sub(r"(?m)^MAINPID=(\d+)$", lambda m: f"MAINPID={names.get(int(m[1]), m[1])}", text)
        return re.sub(r"(?m)^(MONOTONIC_USEC|MAINPIDFDID)=\d+$", r"\1=*", text)

    datagrams = [[name(text), fds, [names.get(c[0], "other"), *c[1:]]] for text, fds, c in got]
    return {"socket": kind, "args": args, "status": process.returncode, "out": out.decode().replace(folder, "$D"), "err": err.decode(), "sent": datagrams}


def main():
    if sys.argv[1:] == ["--inside"]:
        for kind, args in RUNS:
            print(json.dumps(play("systemd-notify", kind, args), ensure_ascii=False))
        return
    version = subprocess.run([*sys.argv[1:], "systemd-notify", "--version"], capture_output=True, text=True).stdout.splitlines()[0]
    print(json.dumps({"version": version, "made by": "notify.py"}), flush=True)
    subprocess.run([*sys.argv[1:], "python3", "-c", open(__file__).read(), "--inside"], check=True)


if __name__ == "__main__":
    main()
