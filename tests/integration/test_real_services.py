"""The unmodified nginx, redis-server, cron, openssh-server and postgresql of Debian under `reeve init`
as PID 1, each serving a real client, in a root file system with the systemd package and in one
without."""
import os
import pathlib
import subprocess
import sys
import time

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "differential"))
import machine as machines  # noqa: E402

ROOTS = HERE.parents[1] / "build" / "roots"


def why_not():
    reason = machines.missing()
    if reason:
        return reason
    if not os.environ.get("REEVE"):
        return "REEVE does not name the binary"
    return None


pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))


@pytest.fixture(scope="module", params=["plain", "systemd"])
def box(request):
    root = ROOTS / request.param
    built = subprocess.run(["sh", HERE.parent / "roots" / "build.sh", request.param, root],
                           capture_output=True, text=True)
    if built.returncode != 0:
        pytest.skip(f"the root file system could not be built: {built.stderr.strip()[-300:]}")
    machine = machines.Machine(["/usr/local/bin/reeve", "init"], reeve=os.environ["REEVE"],
                               name=request.param, root=root).boot()
    yield machine
    machine.off()


def out(box, *argv, check=True):
    done = box.run(argv)
    if check and done.returncode != 0:
        status = box.run(["systemctl", "status", "--no-pager", "-l", "--all"]).stdout.decode()
        raise AssertionError(f"{argv}: {done.returncode} {done.stdout} {done.stderr}\n{status[-3000:]}")
    return done.stdout.decode().strip()


def show(box, unit, name):
    return out(box, "systemctl", "show", "-P", name, unit)


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)


def works(box, *argv):
    return box.run(argv).returncode == 0


def life_of(box, unit, serves, reload=True):
    """Start, serve, reload, restart, stop; `serves` is true while it answers."""
    out(box, "systemctl", "start", unit)
    assert show(box, unit, "ActiveState") == "active"
    until(serves)
    if reload:
        pid = show(box, unit, "MainPID")
        out(box, "systemctl", "reload", unit)
        until(lambda: show(box, unit, "ActiveState") == "active" and serves())
        assert show(box, unit, "MainPID") == pid
    pid = show(box, unit, "MainPID")
    out(box, "systemctl", "restart", unit)
    until(serves)
    assert show(box, unit, "MainPID") != pid
    out(box, "systemctl", "stop", unit)
    assert show(box, unit, "ActiveState") == "inactive"
    assert show(box, unit, "Result") == "success"
    assert not serves()


def test_nginx(box):
    life_of(box, "nginx.service", lambda: works(box, "curl", "-fsS", "http://127.0.0.1/"))


def test_redis(box):
    life_of(box, "redis-server.service",
            lambda: box.run(["redis-cli", "ping"]).stdout.strip() == b"PONG", reload=False)


def test_ssh(box):
    if not works(box, "test", "-e", "/root/.ssh/id_ed25519"):
        out(box, "sh", "-c", "mkdir -p -m 700 /root/.ssh && ssh-keygen -q -t ed25519 -N '' -f "
                             "/root/.ssh/id_ed25519 && cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys")

    def serves():
        return box.run(["ssh", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes", "-o",
                        "ConnectTimeout=5", "root@127.0.0.1", "echo", "hello"]).stdout.strip() == b"hello"
    life_of(box, "ssh.service", serves)


def test_cron(box):
    out(box, "systemctl", "start", "cron.service")
    out(box, "sh", "-c", "rm -f /tmp/cron-ran; echo '* * * * * root touch /tmp/cron-ran' >/etc/cron.d/test")
    until(lambda: works(box, "test", "-e", "/tmp/cron-ran"), seconds=130)
    out(box, "systemctl", "restart", "cron.service")
    assert show(box, "cron.service", "ActiveState") == "active"
    out(box, "systemctl", "stop", "cron.service")
    assert show(box, "cron.service", "Result") == "success"


def test_postgresql(box):
    # Its tmpfiles.d line: without systemd-tmpfiles nobody else makes the folder.
    out(box, "sh", "-c", "test -d /run/postgresql || install -d -m 2775 -o postgres -g postgres /run/postgresql")
    unit = "postgresql@15-main.service"

    def serves():
        return box.run(["su", "postgres", "-c", "psql -Atc 'select 6*7'"]).stdout.strip() == b"42"
    out(box, "systemctl", "start", "postgresql.service")
    until(lambda: show(box, unit, "ActiveState") == "active")  # drawn in by the generator's link
    until(serves)
    life_of(box, unit, serves)
    out(box, "systemctl", "stop", "postgresql.service")
