"""`reeve status` shows what of a unit's files is not in force."""
import json

import pytest


def test_settings_that_are_not_implemented_are_shown(reeve):
    reeve.write("image.service", """
        [Service]
        RootImage=/no/image
        Restrat=no
        ExecStart=/bin/sleep infinity
    """)
    reeve.write("plain.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    reeve.ctl("start", "image.service", "plain.service")

    lines = reeve.show("image.service", "ReeveMessages")
    assert "image.service:2: RootImage=" in lines and "Restrat" in lines
    text = reeve.run("reeve", "status", "--no-pager", "image.service").stdout
    assert "Messages: /etc/systemd/system/image.service:2: RootImage=: directive not supported" in text
    # Without any, nothing is added to what systemctl shows.
    assert "ReeveMessages" not in reeve.ctl("show", "plain.service")
    assert "Messages:" not in reeve.run("reeve", "status", "--no-pager", "plain.service").stdout


@pytest.mark.parametrize("setting, step", [
    ("RootImage=/no/image", "NAMESPACE"), ("ExtensionImages=/no/image", "NAMESPACE"), ("RootEphemeral=yes", "NAMESPACE"),
    ("LoadCredentialEncrypted=a:/etc/hostname", "CREDENTIALS")])
def test_what_decides_who_one_is_or_sees_is_never_left_out(reeve, setting, step):
    name = setting.split("=")[0]
    reeve.write("strange.service", f"[Service]\nType=exec\n{setting}\nExecStart=/bin/sleep infinity\n")
    done = reeve.run("reeve", "start", "strange")
    assert done.returncode == 1, done
    text = reeve.run("reeve", "status", "--no-pager", "strange").stdout
    assert f"{name}=: directive not supported: the unit does not start with it" in text
    assert f"/{step})" in text
    # A value that says nothing forbids nothing.
    none = "no" if setting.endswith("=yes") else ""
    reeve.write("strange.service", f"[Service]\nType=exec\n{setting}\n{name}={none}\nExecStart=/bin/sleep infinity\n")
    reeve.ctl("daemon-reload")
    reeve.ctl("start", "strange")


@pytest.mark.machine(cgroup=False)
def test_limits_that_do_not_hold_are_shown(reeve):
    reeve.write("limited.service", """
        [Service]
        MemoryMax=100M
        CPUWeight=50
        Slice=system.slice
        MemoryAccounting=yes
        ExecStart=/bin/sleep infinity
    """)
    reeve.write("plain.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    reeve.ctl("start", "limited", "plain")
    wanted = ["MemoryMax=: control groups cannot be written here", "CPUWeight=: control groups cannot be written here"]
    for verb in ("is-active", "daemon-reload", "daemon-reexec"):
        reeve.ctl(verb, *(["limited"] if verb == "is-active" else []))
        assert json.loads(reeve.ctl("show", "-o", "json", "limited"))["ReeveDegraded"] == wanted
    text = reeve.run("reeve", "status", "--no-pager", "limited").stdout
    assert f"   Degraded: {wanted[0]}\n             {wanted[1]}\n" in text, text
    assert "ReeveDegraded" not in reeve.ctl("show", "plain")
    reeve.ctl("stop", "limited")


@pytest.mark.machine(cgroup=False)
def test_check_tells_of_limits_that_will_not_hold(reeve):
    reeve.write("limited.service", "[Service]\nTasksMax=5\nSlice=a.slice\nExecStart=/bin/sleep infinity\n")
    # Of a unit of the manager that runs, and of a file.
    for what in ("limited.service", "/etc/systemd/system/limited.service"):
        done = reeve.run("reeve", "check", "-o", "json", what)
        assert [(f["code"], f["directive"], f["line"]) for f in json.loads(done.stdout)] == [("no-cgroup", "TasksMax", 2)], what
