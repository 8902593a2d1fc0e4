"""reeve preflight against the servers of Debian: up, down, coming up, hung, refusing; as a plain
command, and as ExecStartPre= under real systemd (252 and 257) and under reeve. Each row has its exit status."""
import json
import re
import subprocess

import pytest

from box import Box, servers_root, why_not

pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

# The init of a machine, and the suite of Debian that its root file system is of.
KINDS = {"systemd-252": "bookworm", "systemd-257": "trixie", "reeve": "bookworm"}
POSTGRESQL = {"bookworm": 15, "trixie": 17}
SERVERS = ["redis", "postgres", "mysql", "http"]
ADDRESS = {"redis": "127.0.0.1:6379", "postgres": "127.0.0.1:5432", "mysql": "127.0.0.1:3306",
           "http": "http://127.0.0.1/"}
IDENTITY, PORT, DEPENDENCY, FILE, RESOURCE, USAGE = 1, 2, 3, 4, 5, 64

# The servers' ordinary settings, and what the rows below need.
SETUP = r"""
set -eu
mkdir -p /srv/t /srv/t/closed
cd /srv/t
chmod 700 closed
echo 'all well' >/var/www/html/health
req() { openssl req -newkey rsa:2048 -nodes -x509 -days 2 -subj "/CN=$1" -addext "subjectAltName=$2" -keyout $3.key -out $3.crt 2>/dev/null; }
req web IP:127.0.0.1 web
req client DNS:client client
cat >/etc/nginx/conf.d/t.conf <<'.'
server { listen 127.0.0.1:8443 ssl; ssl_certificate /srv/t/web.crt; ssl_certificate_key /srv/t/web.key;
         root /var/www/html; location /broken { return 503; } }
server { listen 127.0.0.1:8444 ssl; ssl_certificate /srv/t/web.crt; ssl_certificate_key /srv/t/web.key;
         ssl_verify_client on; ssl_client_certificate /srv/t/client.crt; root /var/www/html; }
server { listen unix:/srv/t/nginx.sock; root /var/www/html; }
server { listen unix:/srv/t/closed/nginx.sock; root /var/www/html; }
.
for v in 15 17; do [ ! -d /etc/postgresql/$v ] || hba=/etc/postgresql/$v/main/pg_hba.conf; done
systemctl stop mariadb.socket mariadb-extra.socket 2>/dev/null || true # it would listen for a server that is down
{ echo 'host all barred 127.0.0.1/32 reject'; echo 'host all plain 127.0.0.1/32 password'; echo 'host all digest 127.0.0.1/32 md5'; cat $hba; } >hba
cat hba >$hba
install -d -m 2775 -o postgres -g postgres /run/postgresql
printf 'secret\n' >right; printf 'wrong\n' >wrong; chmod 600 right wrong
"""
POSTGRES = ("CREATE ROLE plain LOGIN PASSWORD 'secret'; CREATE ROLE scram LOGIN PASSWORD 'secret'; "
            "SET password_encryption = 'md5'; CREATE ROLE digest LOGIN PASSWORD 'secret';")
MYSQL = ("CREATE USER plain@127.0.0.1 IDENTIFIED BY 'secret'; CREATE USER locked@127.0.0.1 IDENTIFIED BY 'secret' ACCOUNT LOCK; "
         "CREATE USER socket@127.0.0.1 IDENTIFIED VIA unix_socket; INSTALL SONAME 'auth_ed25519'; "
         "CREATE USER other@127.0.0.1 IDENTIFIED VIA ed25519 USING PASSWORD('secret'); "
         "CREATE DATABASE shop; CREATE DATABASE theirs; GRANT ALL ON shop.* TO plain@127.0.0.1;")


class Servers(Box):
    def __init__(self, kind, root):
        super().__init__(kind.partition("-")[0], root)
        self.postgresql = POSTGRESQL[KINDS[kind]]
        self.units = {"redis": "redis-server.service", "postgres": f"postgresql@{self.postgresql}-main.service",
                      "mysql": "mariadb.service", "http": "nginx.service"}
        self.ok("sh", "-c", SETUP)
        for unit in self.units.values():
            self.ok("systemctl", "restart", unit)
        self.until_ok("su", "postgres", "-c", f'psql -qc "{POSTGRES}"')
        self.until_ok("mariadb", "-e", MYSQL)

    def until_ok(self, *argv):
        """PostgreSQL's unit is active before it answers, under a systemd that cannot see its readiness."""
        self.ok("sh", "-c", 'for i in $(seq 600); do "$@" && exit 0; sleep 0.1; done; exit 1', "sh", *argv)

    def preflight(self, *options):
        return self.run("reeve", "preflight", *options)

    def signal(self, server, signal):
        """To all processes of the server."""
        self.ok("systemctl", "kill", "--signal", signal, self.units[server])


@pytest.fixture(scope="module", params=KINDS)
def box(request):
    box = Servers(request.param, servers_root(KINDS[request.param]))
    yield box
    box.machine.off()


def row(name, options, status, words):
    return pytest.param(options.split(), status, words, id=name)


UP = [
    row("redis", "--redis=127.0.0.1:6379", 0, "ok   redis 127.0.0.1:6379: PONG"),
    row("postgres", "--postgres=127.0.0.1:5432", 0, "ok   postgres .*accepts connections"),
    row("postgres-socket", "--postgres=/run/postgresql", 0, "ok   postgres /run/postgresql: accepts connections"),
    row("postgres-plain", "--postgres=127.0.0.1:5432,user=plain,database=postgres,password=/srv/t/right", 0,
        "ready for queries"),
    row("postgres-plain-wrong", "--postgres=127.0.0.1:5432,user=plain,database=postgres,password=/srv/t/wrong",
        DEPENDENCY, "refused: password authentication failed"),
    row("postgres-md5", "--postgres=127.0.0.1:5432,user=digest,database=postgres,password=/srv/t/right", 0,
        "ready for queries"),
    row("postgres-md5-wrong", "--postgres=127.0.0.1:5432,user=digest,database=postgres,password=/srv/t/wrong",
        DEPENDENCY, "refused: password authentication failed"),
    row("postgres-scram", "--postgres=127.0.0.1:5432,user=scram,database=postgres,password=/srv/t/right", 0,
        "ready for queries"),
    row("postgres-scram-wrong", "--postgres=127.0.0.1:5432,user=scram,database=postgres,password=/srv/t/wrong",
        DEPENDENCY, "refused: password authentication failed"),
    row("postgres-no-password", "--postgres=127.0.0.1:5432,user=scram,database=postgres", 0, "wants a password"),
    row("postgres-barred", "--postgres=127.0.0.1:5432,user=barred", DEPENDENCY, "refused: pg_hba.conf rejects"),
    row("postgres-no-database", "--postgres=127.0.0.1:5432,user=plain,database=nil,password=/srv/t/right", DEPENDENCY,
        'refused: database "nil" does not exist'),
    row("mysql", "--mysql=127.0.0.1:3306", 0, "ok   mysql .*version .*MariaDB"),
    row("mysql-right", "--mysql=127.0.0.1:3306,user=plain,database=shop,password=/srv/t/right", 0, "version .*, logged in"),
    row("mysql-wrong", "--mysql=127.0.0.1:3306,user=plain,password=/srv/t/wrong", DEPENDENCY,
        r"refused: Access denied for user 'plain'.*using password: YES.*\(1045\)"),
    row("mysql-no-password", "--mysql=127.0.0.1:3306,user=plain", DEPENDENCY, "refused: .*using password: NO"),
    row("mysql-no-user", "--mysql=127.0.0.1:3306,user=nil,password=/srv/t/right", DEPENDENCY, "FAIL mysql"),
    row("mysql-locked", "--mysql=127.0.0.1:3306,user=locked,password=/srv/t/right", DEPENDENCY, "refused: .*locked"),
    row("mysql-no-database", "--mysql=127.0.0.1:3306,user=plain,database=nil,password=/srv/t/right", DEPENDENCY, "refused: .*'nil'"),
    row("mysql-their-database", "--mysql=127.0.0.1:3306,user=plain,database=theirs,password=/srv/t/right", DEPENDENCY,
        "refused: Access denied .*to database 'theirs'"),
    row("mysql-by-socket", "--mysql=/run/mysqld/mysqld.sock,user=root", 0, "logged in"),
    row("mysql-by-socket-only", "--mysql=127.0.0.1:3306,user=socket", DEPENDENCY, "refused: Access denied"),
    row("mysql-other-proof", "--mysql=127.0.0.1:3306,user=other,password=/srv/t/right", DEPENDENCY,
        "has to log in by client_ed25519, which preflight does not speak; to pass: leave user= out"),
    row("mysql-secret-nil", "--mysql=127.0.0.1:3306,user=plain,password=/srv/t/nil", FILE, "/srv/t/nil: No such file"),
    row("mysql-usage", "--mysql=127.0.0.1:3306,password=/srv/t/right", USAGE, "are of a user="),
    row("mysql-socket", "--mysql=/run/mysqld/mysqld.sock", 0, "version .*MariaDB"),
    row("http", "--http=http://127.0.0.1/", 0, "status 200"),
    row("http-body", "--http=http://127.0.0.1/health,body=^all.well$", 0, "status 200"),
    row("http-other-body", "--http=http://127.0.0.1/health,body=ill", DEPENDENCY, "the body does not match"),
    row("http-404", "--http=http://127.0.0.1/nil", DEPENDENCY, "answered status 404"),
    row("http-404-wanted", "--http=http://127.0.0.1/nil=404", 0, "status 404"),
    row("http-unix", "--http=http://web/health,unix=/srv/t/nginx.sock", 0, "status 200"),
    row("https", "--http=https://127.0.0.1:8443/health,ca=/srv/t/web.crt", 0, "status 200"),
    row("https-503", "--http=https://127.0.0.1:8443/broken,ca=/srv/t/web.crt", DEPENDENCY, "answered status 503"),
    row("https-unknown", "--http=https://127.0.0.1:8443/", DEPENDENCY, "ertificate"),
    row("https-insecure", "--http=https://127.0.0.1:8443/health,insecure", 0, "status 200"),
    row("https-name", "--http=https://localhost:8443/,ca=/srv/t/web.crt", DEPENDENCY, "ertificate"),
    row("https-no-client", "--http=https://127.0.0.1:8444/,ca=/srv/t/web.crt", DEPENDENCY, "answered status 400"),
    row("https-client", "--http=https://127.0.0.1:8444/health,ca=/srv/t/web.crt,cert=/srv/t/client.crt,"
                        "key=/srv/t/client.key", 0, "status 200"),
    row("http-to-https", "--http=http://127.0.0.1:8443/", DEPENDENCY, "answered status 400"),
    row("https-to-http", "--http=https://127.0.0.1:80/,timeout=20s", DEPENDENCY, "FAIL http"),
    row("redis-to-http", "--redis=127.0.0.1:80", DEPENDENCY, "answered \"HTTP/1.1 400"),
    row("tcp", "--tcp=127.0.0.1:6379", 0, "accepts connections"),
    row("unix", "--unix=/srv/t/nginx.sock", 0, "accepts connections"),
    row("unix-barred", "--user=nobody --unix=/srv/t/closed/nginx.sock", IDENTITY, "nobody may not connect: .*closed"),
    row("port-held", "--port=127.0.0.1:6379", PORT, r"held by pid \d+ \(redis-server, redis-server.service\); to pass: "
                                                    "stop redis-server.service"),
    row("port-held-by-wildcard", "--port=127.0.0.1:80", PORT, r"held by pid \d+ \(nginx, nginx.service\)"),
    row("port-free", "--port=127.0.0.1:9", 0, "free"),
    row("port-low", "--user=nobody --port=81", IDENTITY, "nobody may not bind ports below 1024"),
    row("unit", "--unit=nginx.service", 0, "ok   unit nginx.service: active"),
    row("unit-nil", "--unit=nil.service", DEPENDENCY, "it is inactive"),
    row("dns", "--dns=localhost", 0, "127.0.0.1"),
    row("dns-nil", "--dns=no-such-host.invalid,timeout=30s", DEPENDENCY, "FAIL dns"),
    row("disk", "--disk=/tmp:1M", 0, "MiB free"),
    row("disk-full", "--disk=/tmp:4E", RESOURCE, "MiB wanted"),
    row("file", "--file=/srv/t/right:r", 0, "ok   file"),
    row("file-nil", "--file=/srv/t/nil:r", FILE, "/srv/t/nil"),
    row("file-barred", "--user=nobody --file=/srv/t/right:r", IDENTITY, "nobody"),
    row("dir", "--dir=/srv/t:rwx", 0, "ok   dir"),
    row("exec", "--exec=/usr/sbin/nginx", 0, "ok   exec"),
    row("user", "--is-user=root", 0, "uid 0"),
    row("user-other", "--is-user=postgres", IDENTITY, "running as root"),
    row("cap", "--user=nobody --cap=net_bind_service", IDENTITY, "FAIL cap"),
    row("first-counts", "--disk=/tmp:4E --tcp=127.0.0.1:1 --file=/srv/t/nil", RESOURCE, "FAIL file"),
    row("usage", "--tcp=nowhere", USAGE, "takes HOST:PORT"),
    row("usage-none", "", USAGE, "nothing to check"),
]


@pytest.mark.parametrize("options, status, words", UP)
def test_as_a_command(box, options, status, words):
    done, text = box.preflight(*options)
    assert (done, bool(re.search(words, text))) == (status, True), text


@pytest.mark.parametrize("options, status, words", UP)
def test_as_exec_start_pre(box, options, status, words):
    check(box, "pre.service", options, status, words)


def check(box, unit, options, status, words, settings=""):
    box.path(f"/run/{unit}.said").unlink(missing_ok=True)
    box.path(f"/etc/systemd/system/{unit}").write_text(f"""[Service]
Type=oneshot
RemainAfterExit=yes
{settings}
ExecStartPre=/usr/local/bin/reeve preflight {" ".join(options)}
ExecStart=/bin/true
StandardOutput=append:/run/{unit}.said
StandardError=append:/run/{unit}.said
""")
    box.ok("systemctl", "daemon-reload")
    started = box.run("systemctl", "start", unit)[0]
    shown = box.show(unit, "ExecStartPre")
    text = box.path(f"/run/{unit}.said").read_text()
    box.run("systemctl", "stop", unit)
    box.run("systemctl", "reset-failed", unit)
    assert f"code=exited ; status={status} }}" in shown, text
    assert (started == 0) == (status == 0) and re.search(words, text), text


NOBODY = "User=nobody"
AMBIENT = NOBODY + "\nAmbientCapabilities=CAP_NET_BIND_SERVICE"


@pytest.mark.parametrize("settings, options, status, words", [
    (NOBODY, "--port=81", IDENTITY, "nobody may not bind ports below 1024"),
    (AMBIENT, "--port=81 --cap=net_bind_service", 0, "free"),
    (NOBODY, "--cap=net_bind_service", IDENTITY, "FAIL cap"),
    (NOBODY, "--port=127.0.0.1:6379", PORT, "FAIL port 127.0.0.1:6379: .*held by a process of uid"),
    (NOBODY, "--file=/srv/t/right:r", IDENTITY, "nobody"),
    (NOBODY, "--file=/srv/t/closed/file:r", IDENTITY, "closed"),
    (NOBODY, "--dir=/srv/t:w", IDENTITY, "nobody"),
    (NOBODY, "--exec=/srv/t/web.key", IDENTITY, "nobody"),
    (NOBODY, "--unix=/srv/t/closed/nginx.sock", IDENTITY, "nobody may not connect: .*closed"),
    (NOBODY, "--redis=127.0.0.1:6379,password=/srv/t/right", IDENTITY, "/srv/t/right: Permission denied"),
    (NOBODY, "--is-user=nobody --redis=127.0.0.1:6379 --disk=/tmp:1M", 0, "PONG"),
    (NOBODY, "--is-user=root", IDENTITY, "running as nobody"),
])
def test_as_the_user_of_the_service(box, settings, options, status, words):
    check(box, "pre.service", options.split(), status, words, settings)


def test_manager_that_answers_root_alone(box):
    """systemd without D-Bus; reeve tells everybody who may connect how units are."""
    reeve = box.run("systemctl", "--version")[1].count("reeve")
    status, words = (0, "ok   unit nginx.service: active") if reeve else (
        DEPENDENCY, "no service manager answers this user; to pass: ask as root")
    check(box, "pre.service", ["--unit=nginx.service"], status, words, NOBODY)


@pytest.mark.parametrize("server", SERVERS)
def test_hung(box, server):
    """Stopped: the kernel still accepts connections for it. It costs the timeout and no more."""
    box.signal(server, "STOP")
    try:
        options = [f"--{server}={ADDRESS[server]},timeout=700ms", "-o", "json"]
        done, text = box.preflight(*options)
        check(box, "hung.service", options[:1], DEPENDENCY, f"FAIL {server}")
    finally:
        box.signal(server, "CONT")
    told = json.loads(text)
    assert done == told["status"] == DEPENDENCY, text
    one = told["checks"][0]
    assert not one["ok"] and one["class"] == "dependency"
    assert re.search("no answer within|does not answer|does not greet|no answer came", one["found"]), one
    assert 600_000 <= one["took_usec"]
    assert box.preflight("--wait=60s", f"--{server}={ADDRESS[server]}")[0] == 0, "it runs again"


@pytest.mark.parametrize("server", SERVERS)
def test_down_and_coming_up(box, server):
    unit = box.units[server]
    option = f"--{server}={ADDRESS[server]}"
    box.ok("systemctl", "stop", unit)
    try:
        done, text = box.preflight(option)
        assert done == DEPENDENCY and "connection refused: nothing listens there" in text, text
        check(box, "down.service", [option], DEPENDENCY, "connection refused")
        waiting = subprocess.Popen([*box.machine.prefix, "/usr/local/bin/reeve", "preflight", "--wait=100s", option],
                                   stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.5)
    finally:
        box.ok("systemctl", "start", unit)
    text = waiting.communicate(timeout=120)[0]
    assert waiting.returncode == 0 and text.startswith("ok "), text


def test_redis_that_wants_a_password(box):
    box.ok("redis-cli", "config", "set", "requirepass", "secret")
    try:
        for options, status, words in (("", DEPENDENCY, "it wants a password; to pass: give ,password=FILE"),
                                       (",password=/srv/t/wrong", DEPENDENCY, "the password is refused: -WRONGPASS"),
                                       (",password=/srv/t/nil", FILE, "/srv/t/nil: No such file"),
                                       (",password=/srv/t/right", 0, "PONG")):
            done, text = box.preflight("--redis=127.0.0.1:6379" + options)
            assert done == status and words in text, text
            check(box, "pre.service", ["--redis=127.0.0.1:6379" + options], status, re.escape(words))
    finally:
        box.ok("redis-cli", "-a", "secret", "config", "set", "requirepass", "")


def test_all_run_side_by_side(box):
    """One that hangs does not keep the others: all are told, and each once."""
    box.signal("redis", "STOP")
    try:
        done, text = box.preflight("--redis=127.0.0.1:6379,timeout=1s", "--http=http://127.0.0.1/",
                                   "--mysql=127.0.0.1:3306", "--file=/srv/t/nil")
    finally:
        box.signal("redis", "CONT")
    assert done == DEPENDENCY
    lines = text.splitlines()
    assert len(lines) == 4 and lines[-1].startswith("FAIL redis"), text


def test_redis_that_is_loading(box):
    """Keys whose loading is slowed down by a setting that is made for tests."""
    conf = box.path("/etc/redis/redis.conf")
    before = conf.read_text()
    box.ok("redis-benchmark", "-t", "set", "-n", "4000", "-r", "1000000", "-q")
    box.ok("redis-cli", "save")
    box.ok("systemctl", "stop", "redis-server.service")
    try:
        conf.write_text(before + "\nkey-load-delay 10000\nloading-process-events-interval-bytes 1024\n")
        box.ok("systemctl", "start", "--no-block", "redis-server.service")
        box.until_ok("sh", "-c", "redis-cli ping | grep -q LOADING")
        done, text = box.preflight("--redis=127.0.0.1:6379")
        assert done == DEPENDENCY and "it is loading its data" in text, text
        check(box, "pre.service", ["--redis=127.0.0.1:6379"], DEPENDENCY, "it is loading its data")
    finally:
        conf.write_text(before)
        box.run("systemctl", "kill", "-s", "KILL", "redis-server.service")
        box.ok("systemctl", "restart", "redis-server.service")
    assert box.preflight("--wait=60s", "--redis=127.0.0.1:6379")[0] == 0


def test_postgres_that_is_starting(box):
    """A standby that takes no connections is in the middle of its start for good."""
    unit = box.units["postgres"]
    data = f"/var/lib/postgresql/{box.postgresql}/main/standby.signal"
    conf = f"/etc/postgresql/{box.postgresql}/main/conf.d/t.conf"
    box.ok("systemctl", "stop", unit)
    try:
        box.ok("su", "postgres", "-c", f"touch {data}; echo 'hot_standby = off' >{conf}")
        box.ok("systemctl", "start", "--no-block", unit)
        box.until_ok("sh", "-c", "reeve preflight --postgres=127.0.0.1:5432 | grep -q 'not yet: '")
        check(box, "pre.service", ["--postgres=127.0.0.1:5432"], DEPENDENCY, "not yet: the database system is")
    finally:
        box.ok("rm", "-f", data, conf)
        box.run("systemctl", "kill", "-s", "KILL", unit)
        box.ok("systemctl", "restart", unit)
    assert box.preflight("--wait=60s", "--postgres=127.0.0.1:5432")[0] == 0
