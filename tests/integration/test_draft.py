"""reeve draft for ten real programs: each drafted unit passes `check --strict`, starts, stays, serves, and leaves
`reeve why` with nothing to say."""
import json
import os
import pathlib
import shutil
import subprocess
import textwrap
import time
import urllib.request

import pytest
from conftest import Reeve, machines, why_no_machine

PATIENCE = 120.0

pytestmark = pytest.mark.skipif(why_no_machine() is not None, reason=str(why_no_machine()))

C_SERVER = r"""
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    int port = atoi(argv[1]), one = 1, s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(s, (void *) &a, sizeof a) < 0 || listen(s, 8) < 0) { perror("bind"); return 1; }
    if (argc > 2 && !strcmp(argv[2], "--daemon")) {
        if (fork()) _exit(0);
        setsid();
        FILE *f = fopen(argv[3], "w");
        fprintf(f, "%d\n", getpid()); fclose(f);
    }
    for (;;) {
        int c = accept(s, NULL, NULL);
        dprintf(c, "HTTP/1.0 200 OK\r\n\r\nhello\n");
        char b[4096]; recv(c, b, sizeof b, MSG_DONTWAIT);
        shutdown(c, SHUT_WR); while (read(c, b, sizeof b) > 0); close(c);
    }
}
"""

GO = r"""
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
)

func notify(state string) {
	%s
}

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "hello") })
	l, err := net.Listen("tcp", ":%d")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	notify("READY=1")
	http.Serve(l, nil)
}
"""
GO_NOTIFY = """c, err := net.Dial("unixgram", os.Getenv("NOTIFY_SOCKET"))
	if err == nil {
		c.Write([]byte(state))
		c.Close()
	}"""

PYTHON = """
import http.server, sys
class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello\\n")
http.server.HTTPServer(("", 18084), Hello).serve_forever()
"""

JAVA = """
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
public class Hello {
    public static void main(String[] args) throws Exception {
        HttpServer s = HttpServer.create(new InetSocketAddress(18085), 0);
        s.createContext("/", x -> { x.sendResponseHeaders(200, 6); x.getResponseBody().write("hello\\n".getBytes()); x.close(); });
        s.start();
    }
}
"""

NODE = "require('http').createServer((q, r) => r.end('hello\\n')).listen(18083);\n"
SHELL = "#!/bin/sh\nwhile :; do date >/var/lib/ticker/now; sleep 1; done\n"


@pytest.fixture(scope="module")
def box():
    machine = machines.Machine(["/usr/local/bin/reeve", "init"], reeve=os.environ["REEVE"], name="draft").boot()
    yield Reeve(machine)
    machine.off()


def compile_c(tmp_path, *flags):
    if not shutil.which("gcc"):
        pytest.skip("no gcc")
    (tmp_path / "server.c").write_text(C_SERVER)
    subprocess.run(["gcc", "-O1", *flags, "-o", tmp_path / "server", tmp_path / "server.c"], check=True)
    return (tmp_path / "server").read_bytes()


def compile_go(tmp_path, port, notify):
    if not shutil.which("go", path="/usr/bin:/usr/local/bin"):
        pytest.skip("no Go (Debian: golang-go)")
    (tmp_path / "main.go").write_text(GO % (GO_NOTIFY if notify else "_ = net.IPv4len", port))
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "GOFLAGS": "-p=1", "CGO_ENABLED": "0",
           "GOCACHE": str(pathlib.Path.home() / ".cache/go-build")}
    subprocess.run(["go", "build", "-o", "server", "main.go"], cwd=tmp_path, env=env, check=True, timeout=1200)
    return (tmp_path / "server").read_bytes()


def install(box, name, data, mode=0o755):
    path = box.path(f"/opt/{name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else textwrap.dedent(data).encode())
    path.chmod(mode)
    return f"/opt/{name}"


def draft(box, unit, *program, options=()):
    """Drafts the unit, checks it, starts it, asks why; returns its text."""
    target = f"/etc/systemd/system/{unit}.service"
    box.path(target).parent.mkdir(parents=True, exist_ok=True)
    done = box.run("reeve", "draft", "--run-for=5s", f"--name={unit}", f"--output={target}", *options, *program)
    assert done.returncode == 0, done.stderr
    text = box.path(target).read_text()
    done = box.run("reeve", "check", "--strict", f"{unit}.service")
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{text}"
    box.ctl("daemon-reload")
    done = box.run("reeve", "start", f"{unit}.service")
    log = box.run("reeve", "log", "--no-pager", "-u", f"{unit}.service").stdout
    assert done.returncode == 0, f"{done.stderr}\n{text}\n{log}"
    box.wait(f"{unit}.service", PATIENCE, ActiveState="active")
    return text


def healthy(box, unit):
    report = json.loads(box.run("reeve", "why", "--again=no", "-o", "json", f"{unit}.service").stdout)
    assert report["cause"] is None, report["cause"]
    assert box.show(f"{unit}.service", "ActiveState") == "active"
    assert box.show(f"{unit}.service", "NRestarts") == "0"
    box.ctl("stop", f"{unit}.service")


def serves(box, port):
    ask = f"import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:{port}/').read().decode())"
    end = time.monotonic() + PATIENCE
    while True:
        done = box.run("/usr/bin/python3", "-c", ask)
        if done.returncode == 0:
            return done.stdout
        assert time.monotonic() < end, done.stderr
        time.sleep(0.2)


def has(text, *lines):
    missing = [line for line in lines if line not in text.splitlines()]
    assert not missing, text


def test_go_with_notify(box, tmp_path):
    text = draft(box, "gonotify", install(box, "gonotify", compile_go(tmp_path, 18081, True)))
    has(text, "Type=notify", "DynamicUser=yes", "ExecStart=/opt/gonotify", "MemoryDenyWriteExecute=yes")
    assert "preflight --port 18081" in text and serves(box, 18081) == "hello\n\n"
    healthy(box, "gonotify")


def test_go_without_notify(box, tmp_path):
    text = draft(box, "goplain", install(box, "goplain", compile_go(tmp_path, 18082, False)))
    has(text, "Type=exec", "DynamicUser=yes")
    assert serves(box, 18082) == "hello\n\n"
    healthy(box, "goplain")


def test_node(box):
    if not os.path.exists("/usr/bin/node"):
        pytest.skip("no node (Debian: nodejs)")
    text = draft(box, "nodeapp", "/usr/bin/node", install(box, "app.js", NODE, 0o644))
    has(text, "Type=exec", "Environment=NODE_ENV=production")
    assert "MemoryDenyWriteExecute" not in text and serves(box, 18083) == "hello\n\n"
    healthy(box, "nodeapp")


def test_python_with_venv(box):
    made = box.run("/usr/bin/python3", "-m", "venv", "--without-pip", "/opt/venv")
    if made.returncode != 0:
        pytest.skip(f"no venv (Debian: python3-venv): {made.stdout[-200:]}")
    text = draft(box, "pyapp", "/opt/venv/bin/python", install(box, "app.py", PYTHON, 0o644))
    has(text, "Environment=PYTHONUNBUFFERED=1", "ExecStart=/opt/venv/bin/python /opt/app.py")
    assert serves(box, 18084) == "hello\n\n"
    healthy(box, "pyapp")


def test_java(box):
    if not shutil.which("javac"):
        pytest.skip("no Java compiler (Debian: default-jdk-headless)")
    text = draft(box, "javaapp", "/usr/bin/java", install(box, "Hello.java", JAVA, 0o644), options=["--run-for=15s"])
    has(text, "SuccessExitStatus=143")
    assert serves(box, 18085) == "hello\n\n"
    healthy(box, "javaapp")


def test_shell_script(box):
    box.path("/var/lib/ticker").mkdir(parents=True, exist_ok=True)
    text = draft(box, "ticker", install(box, "ticker", SHELL))
    has(text, "Type=exec", "Restart=on-failure")
    healthy(box, "ticker")


def test_daemon_that_forks(box, tmp_path):
    program = install(box, "forker", compile_c(tmp_path))
    text = draft(box, "forker", program, "18086", "--daemon", "/run/forker.pid", options=["--user=root"])
    has(text, "Type=forking", "PIDFile=/run/forker.pid")
    assert serves(box, 18086) == "hello\n\n"
    healthy(box, "forker")


def test_static_server(box, tmp_path):
    text = draft(box, "static", install(box, "static", compile_c(tmp_path, "-static")), "18087")
    has(text, "Type=exec", "DynamicUser=yes", "ExecStart=/opt/static 18087", "CapabilityBoundingSet=")
    assert serves(box, 18087) == "hello\n\n"
    healthy(box, "static")


def test_low_port(box, tmp_path):
    text = draft(box, "lowport", install(box, "lowport", compile_c(tmp_path)), "81", options=["--user=nobody"])
    has(text, "User=nobody", "AmbientCapabilities=CAP_NET_BIND_SERVICE")
    assert serves(box, 81) == "hello\n\n"
    healthy(box, "lowport")


def test_redis(box):
    if not os.path.exists("/usr/bin/redis-server"):
        pytest.skip("no redis-server (Debian: redis-server)")
    text = draft(box, "redis", "/usr/bin/redis-server", "--port", "16379", "--save", "")
    has(text, "User=redis")
    assert "preflight --port 16379" in text
    assert box.run("reeve", "preflight", "--wait=60s", "--redis", "127.0.0.1:16379").returncode == 0
    healthy(box, "redis")


def test_nginx(box):
    if not os.path.exists("/usr/sbin/nginx"):
        pytest.skip("no nginx (Debian: nginx-light)")
    text = draft(box, "web", "/usr/sbin/nginx")
    has(text, "Type=forking", "PIDFile=/run/nginx.pid", "ExecStart=/usr/sbin/nginx")
    assert "\nUser=" not in text and "CapabilityBoundingSet" not in text
    assert serves(box, 80)
    healthy(box, "web")


def test_without_running(box, tmp_path):
    """What can be seen from the file alone; nothing is started."""
    program = install(box, "quiet", compile_c(tmp_path))
    done = box.run("reeve", "draft", program, "18089")
    has(done.stdout, "Type=exec", "DynamicUser=yes", "ExecStart=/opt/quiet 18089")
    assert "preflight" not in done.stdout


def test_faults(box):
    for args, status, word in [(["/nosuch/program"], 1, "/nosuch/program"), ([], 2, "name the program"),
                               (["--run-for=x", "/bin/true"], 2, "--run-for"), (["--name=a b", "/bin/true"], 2, "--name"),
                               (["/etc/passwd"], 1, "Permission denied")]:
        done = box.run("reeve", "draft", *args)
        assert done.returncode == status and word in done.stderr, (args, done.stderr)
