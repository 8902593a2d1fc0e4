"""A user's manager beside the system's: its places, without the session's variables."""
import json

AS_USER = "setpriv --reuid=1234 --regid=1234 --clear-groups env -u XDG_RUNTIME_DIR HOME=/tmp/home "


def test_is_found_without_a_runtime_folder(reeve):
    def as_user(command):
        return reeve.run("sh", "-c", AS_USER + command)

    reeve.write("/etc/systemd/user/own.service", """
        [Service]
        ExecStart=/bin/sh -c 'echo here I am; exec sleep infinity'
    """)
    reeve.write("manager.service", f"[Service]\nExecStart={AS_USER} reeve init --user own.service\n")
    reeve.ctl("start", "manager.service")
    reeve.until(lambda: as_user("reeve --user is-active own.service").returncode == 0)

    # Its entries are in its own files and nowhere else.
    own = "/tmp/reeve-1234/reeve/journal"
    find = "-o cat --no-pager 'MESSAGE=here I am'"
    reeve.until(lambda: as_user(f"reeve log -D {own} {find}").stdout == "here I am\n")
    # The collector's socket beside them, io.systemd.journal, is not taken for a file.
    assert as_user(f"reeve log -D {own} {find}").stderr == ""
    assert reeve.run("sh", "-c", f"reeve log {find}").stdout == ""
    # What is of a user's unit says so, as journald has it.
    entry = json.loads(as_user("reeve log --user -u own.service -o json --no-pager "
                               "'MESSAGE=here I am'").stdout)
    assert {f: entry[f] for f in entry if f.startswith("_SYSTEMD_U")} == {
        "_SYSTEMD_UNIT": "user@1234.service", "_SYSTEMD_USER_UNIT": "own.service",
        "_SYSTEMD_USER_SLICE": "app.slice"}
    assert entry["_SYSTEMD_OWNER_UID"] == "1234"


def test_root_steers_the_manager_of_a_user(reeve):
    reeve.write("/etc/systemd/user/own.service", "[Service]\nExecStart=/bin/sleep infinity\n")
    reeve.write("manager.service", f"[Service]\nExecStart={AS_USER} reeve init --user own.service\n")
    reeve.ctl("start", "manager.service")
    for machine in ("1234@", "1234@.host"):
        reeve.until(lambda m=machine: reeve.run("systemctl", "--user", "--machine", m, "is-active",
                                                "own.service").returncode == 0, 60)
    assert reeve.ctl("--user", "-M", "1234@", "daemon-reload") == ""
    done = reeve.run("reeve", "run", "--user", "-M", "1234@", "-q", "--pipe", "id", "-u")
    assert (done.returncode, done.stdout) == (0, "1234\n")
    done = reeve.run("systemctl", "--user", "-M", "nosuch@", "is-active", "own.service")
    assert (done.returncode, done.stderr) == (1, "Failed to find user nosuch: no such user\n")
    assert "run reeve inside" in reeve.run("systemctl", "-M", "elsewhere", "list-units").stderr
    # The system's own, by its name.
    assert reeve.run("systemctl", "-M", ".host", "is-active", "manager").stdout == "active\n"
