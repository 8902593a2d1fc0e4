"""What `reeve explain` says of beliefs that have nothing to do with states: shown under systemd 252 and 257, and under reeve.
Those about states are scenarios of tests/differential/scenarios/beliefs, the one about redis-cli is in test_explain.py."""
import re

import pytest
import test_go
from box import Box, servers_root, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

KINDS = {"systemd-252": "bookworm", "systemd-257": "trixie", "reeve": "bookworm"}
# Binds the port that is its argument; the exit status is the errno.
BIND = """
import socket, sys
try:
    socket.socket().bind(("127.0.0.1", int(sys.argv[1])))
except OSError as e:
    sys.exit(e.errno)
"""
EACCES = 13


@pytest.fixture(scope="module", params=KINDS)
def box(request):
    box = Box(request.param.partition("-")[0], servers_root(KINDS[request.param]))
    python = next(p for p in sorted(box.path("/usr/bin").glob("python3.*")) if re.fullmatch(r"python3\.\d+", p.name))
    box.path("/opt/own").mkdir(parents=True)
    box.python = f"/usr/bin/{python.name}"
    box.path("/opt/bind.py").write_text(BIND)
    yield box
    box.machine.off()


def status(box, command, *settings):
    """Of a oneshot that runs the command as nobody."""
    lines = "\n".join(["Type=oneshot", "User=nobody", *settings, f"ExecStart={command}"])
    box.path("/etc/systemd/system/belief.service").write_text(f"[Service]\n{lines}\n")
    box.ok("systemctl", "daemon-reload")
    box.run("systemctl", "start", "belief.service")
    found = int(box.show("belief.service", "ExecMainStatus"))
    box.run("systemctl", "reset-failed", "belief.service")
    return found


def test_what_binds_a_low_port(box):
    command = f"{box.python} /opt/bind.py 81"
    assert status(box, command) == EACCES
    assert status(box, command, "AmbientCapabilities=CAP_NET_BIND_SERVICE") == 0
    assert status(box, command, "AmbientCapabilities=CAP_NET_BIND_SERVICE", "NoNewPrivileges=yes") == 0


def test_setcap_is_of_one_file(box):
    """It works, not with NoNewPrivileges=, and not for the next build."""
    build = ("cp", box.python, "/opt/own/python.new")
    box.ok(*build)
    box.ok("mv", "/opt/own/python.new", "/opt/own/python")
    box.ok("setcap", "cap_net_bind_service=ep", "/opt/own/python")
    command = "/opt/own/python /opt/bind.py 82"
    assert status(box, command) == 0
    assert status(box, command, "NoNewPrivileges=yes") == EACCES
    box.ok(*build)
    box.ok("mv", "/opt/own/python.new", "/opt/own/python")
    assert status(box, command) == EACCES


def test_authbind_is_a_library_that_static_programs_do_not_load(box, tmp_path):
    box.path("/etc/authbind/byport/83").write_text("")
    box.ok("chown", "nobody", "/etc/authbind/byport/83")
    box.ok("chmod", "500", "/etc/authbind/byport/83")
    assert status(box, f"/usr/bin/authbind --deep {box.python} /opt/bind.py 83") == 0
    program, why = test_go.build(tmp_path)
    if not program:
        pytest.skip(why)
    box.path("/opt/goservice").write_bytes(program)
    box.path("/opt/goservice").chmod(0o755)
    said = "StandardError=truncate:/run/said"
    assert status(box, "/usr/bin/authbind --deep /opt/goservice right 127.0.0.1:83", said) == 1
    assert "bind: permission denied" in box.path("/run/said").read_text()


def python(box, text, *argv):
    """A Python program, which says a line when it is where it should be, and ends when its input does."""
    process = box.machine.start(["/usr/bin/python3", "-c", text, *argv], stdin=-1)
    assert process.stdout.readline() == b"here\n"
    return process


def test_grep_is_no_port_check(box):
    """It finds what does not keep the port from being bound, and misses what does."""
    program = ("import socket, sys; s = socket.socket(); s.bind((sys.argv[1], int(sys.argv[2]))); {} "
               "print('here', flush=True); sys.stdin.read()")
    grep = ("sh", "-c", "ss -tlnH | grep :8080")
    elsewhere = python(box, program.format("s.listen();"), "127.0.0.2", "8080")
    assert box.run(*grep)[0] == 0
    assert box.run("reeve", "preflight", "--port=127.0.0.1:8080")[0] == 0
    elsewhere.communicate()
    bound = python(box, program.format(""), "127.0.0.1", "8080")
    assert box.run(*grep)[0] == 1
    assert box.run("reeve", "preflight", "--port=127.0.0.1:8080")[0] == 2
    bound.communicate()
    longer = python(box, program.format("s.listen();"), "127.0.0.1", "7071")
    assert box.run("sh", "-c", "ss -tlnH | grep :70")[0] == 0
    assert box.run("reeve", "preflight", "--port=127.0.0.1:70")[0] == 0
    longer.communicate()


@pytest.mark.parametrize("setting", ["Environment=A=b", "NoNewPrivileges=yes", "WorkingDirectory=/tmp", "PrivateTmp=yes",
                                     "LimitNOFILE=10"])
def test_scopes_take_no_exec_settings(box, setting):
    done, text = box.run("systemd-run", "--scope", "-p", setting, "true")
    assert done == 1
    assert f"Unknown assignment: {setting}" in text or "scopes are not run" in text


def test_user_of_a_scope_changes_nobody(box):
    done, text = box.run("systemd-run", "--scope", "-q", "-p", "User=nobody", "id", "-un")
    assert (done, text) == (0, "root\n") or "scopes are not run" in text
