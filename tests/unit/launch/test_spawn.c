/* What a launched process sees of its settings. Truth: systemd.exec(5), and systemd 257 where it
 * says less. */
#include "launch_fixture.h"

#include <errno.h>
#include <malloc.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "launch/fork.h"
#include "launch/syscall_filter.h"

#define SHOW(what) "/bin/sh -c '" what "'"
#define STATUS(field) SHOW("grep ^" field ": /proc/self/status")

struct seen {
    const char *settings, *command, *output;
};

static const struct seen cases[] = {
    /* stdio */
    { "", SHOW("echo out; echo err >&2; readlink /proc/self/fd/0"), "out\nerr\n/dev/null\n" },
    { "StandardOutput=null", SHOW("echo lost; readlink /proc/self/fd/1 >&2"), "" },
    { "StandardOutput=append:@/out", SHOW("echo one"), "" },
    { "StandardOutput=append:@/out", SHOW("echo two"), "" },
    { "", "/bin/cat @/out", "one\ntwo\n" },
    { "StandardOutput=truncate:@/out", SHOW("echo three"), "" },
    { "StandardInput=file:@/out", "/bin/cat", "three\n" },
    { "StandardInput=data\nStandardInputText=a line\nStandardInputData=Yg==", "/bin/cat",
      "a line\nb" },
    /* environment */
    { "Environment=A=1 \"B=2 3\"\nUnsetEnvironment=A", SHOW("echo $$A-$$B"), "-2 3\n" },
    { "Environment=A=1\nEnvironmentFile=@/environment", SHOW("echo $$A"), "from file\n" },
    { "EnvironmentFile=@/environment*\nEnvironmentFile=-@/nowhere", SHOW("echo $$A"),
      "from file\n" },
    { "Environment=\"A=one two\"", "/bin/echo x${A} ${A} $A $$A", "xone two one two one two $A\n" },
    { "Environment=\"A=one two\"", ":/bin/echo $A ${A}", "$A ${A}\n" },
    { "", SHOW("test $$SYSTEMD_EXEC_PID = $$$$ && echo own pid"), "own pid\n" },
    { "User=nobody", SHOW("echo $$USER $$LOGNAME $$HOME $$SHELL."), "nobody nobody .\n" },
    { "User=nobody\nSetLoginEnvironment=no", SHOW("echo $$USER $$LOGNAME $$HOME."), "nobody .\n" },
    { "", SHOW("echo $$USER $$HOME"), "root\n" },
    { "", SHOW("echo $$PATH"), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin\n" },
    { "ExecSearchPath=/bin:/opt", "sh -c 'echo $$PATH'", "/bin:/opt\n" },
    /* identity */
    { "User=nobody", SHOW("id -u; id -g; id -G"), "65534\n65534\n65534\n" },
    { "User=nobody\nGroup=daemon\nSupplementaryGroups=mail 4242", SHOW("id -g; id -G"),
      "1\n1 8 4242\n" },
    { "User=nobody", "+/usr/bin/id -u", "0\n" },
    { "User=nobody", "!/usr/bin/id -u", "0\n" },
    { "User=nobody", "!!/usr/bin/id -u", "65534\n" },
    { "User=nobody", STATUS("CapEff"), "CapEff:\t0000000000000000\n" },
    { "User=nobody\nAmbientCapabilities=CAP_NET_BIND_SERVICE", STATUS("Cap[IPEA].*"),
      "CapInh:\t0000000000000400\nCapPrm:\t0000000000000400\nCapEff:\t0000000000000400\n"
      "CapAmb:\t0000000000000400\n" },
    { "CapabilityBoundingSet=CAP_CHOWN CAP_KILL", STATUS("Cap[EB].*"),
      "CapEff:\t0000000000000021\nCapBnd:\t0000000000000021\n" },
    { "NoNewPrivileges=yes", STATUS("NoNewPrivs"), "NoNewPrivs:\t1\n" },
    { "User=nobody\nSystemCallFilter=@system-service",
      SHOW("grep -E \"^(NoNewPrivs|Seccomp):\" /proc/self/status"),
      "NoNewPrivs:\t0\nSeccomp:\t2\n" },
    { "User=nobody\nSystemCallFilter=@system-service", STATUS("Cap[IPEA].*"),
      "CapInh:\t0000000000200100\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
      "CapAmb:\t0000000000000000\n" },
    { "DynamicUser=yes",
      SHOW("test $$(id -u) -ge 61184 && test $$(id -u) -le 65519 && echo dynamic"), "dynamic\n" },
    { "DynamicUser=yes\nStateDirectory=x",
      SHOW("echo $$USER; touch $$STATE_DIRECTORY/file && echo w"), "tested\nw\n" },
    { "DynamicUser=yes", SHOW("touch /usr/x /home/x 2>/dev/null || echo read-only"),
      "read-only\n" },
    /* limits and scheduling */
    { "LimitNOFILE=100:200\nLimitCORE=5", SHOW("ulimit -Sn; ulimit -Hn; ulimit -c"),
      "100\n200\n0\n" },
    { "Nice=7", SHOW("nice"), "7\n" },
    { "OOMScoreAdjust=123", "/bin/cat /proc/self/oom_score_adj", "123\n" },
    { "UMask=0077", SHOW("umask"), "0077\n" },
    { "CPUAffinity=0", STATUS("Cpus_allowed_list"), "Cpus_allowed_list:\t0\n" },
    { "TimerSlackNSec=12345", "/bin/cat /proc/self/timerslack_ns", "12345\n" },
    { "CoredumpFilter=0x3", "/bin/cat /proc/self/coredump_filter", "00000003\n" },
    { "IgnoreSIGPIPE=no", STATUS("SigIgn"), "SigIgn:\t0000000000000000\n" },
    { "", STATUS("Sig[IB].*"), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000001000\n" },
    { "CPUSchedulingPolicy=batch", SHOW("cut -d\" \" -f41 /proc/self/stat"), "3\n" },
    /* folders */
    { "", "/bin/pwd", "/\n" },
    { "WorkingDirectory=/usr", "/bin/pwd", "/usr\n" },
    { "WorkingDirectory=-@/nowhere", "/bin/pwd", "/\n" },
    { "WorkingDirectory=~\nUser=daemon", "/bin/pwd", "/usr/sbin\n" },
    { "User=nobody\nStateDirectory=a b/c\nStateDirectoryMode=0750",
      SHOW("stat -c \"%a %u\" @/lib/a @/lib/b/c @/lib/b; echo $$STATE_DIRECTORY"),
      "750 65534\n750 65534\n755 0\n@/lib/a:@/lib/b/c\n" },
    { "LogsDirectory=x:y/z", SHOW("readlink @/log/y/z"), "../x\n" },
    { "RuntimeDirectory=r", SHOW("test -d @/run/r && echo there"), "there\n" },
    { "", SHOW("test -d @/run/r || echo gone"), "gone\n" },
    { "RuntimeDirectory=r\nRuntimeDirectoryPreserve=yes", "/bin/true", "" },
    { "", SHOW("test -d @/run/r && echo kept"), "kept\n" },
    /* mounts */
    { "PrivateTmp=yes", SHOW("ls -A /tmp; touch /tmp/x && echo w"), "w\n" },
    { "ProtectSystem=strict\nReadWritePaths=@/lib",
      SHOW("touch @/x 2>/dev/null || echo ro; touch @/lib/x && echo w"), "ro\nw\n" },
    { "ProtectHome=yes", SHOW("ls /root 2>&1 >/dev/null | wc -l; stat -c %a /root"), "0\n0\n" },
    { "ProtectHome=tmpfs\nBindReadOnlyPaths=@/out:/home/here/out",
      SHOW("ls -A /root; cat /home/here/out"), "three\n" },
    { "TemporaryFileSystem=/var:ro\nBindPaths=@/lib:/var/lib", SHOW("ls /var; ls -d /var/lib/a"),
      "lib\n/var/lib/a\n" },
    { "InaccessiblePaths=@/out", SHOW("stat -c %a @/out"), "0\n" },
    { "PrivateDevices=yes", SHOW("ls /dev | tr \"\\n\" \" \"; echo x >/dev/null && echo w"), NULL },
    { "NoExecPaths=@/bin", "@/bin/sh -c 'echo run'", "" },
    { "ProtectKernelTunables=yes",
      SHOW("echo 1 2>/dev/null >/proc/sys/kernel/core_uses_pid || echo ro"), "ro\n" },
    { "ProtectProc=invisible\nUser=nobody", SHOW("test -d /proc/1 || echo hidden"), "hidden\n" },
    { "ProcSubset=pid", SHOW("test -e /proc/cpuinfo || echo hidden"), "hidden\n" },
    { "PrivateNetwork=yes", SHOW("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d \" \""), "lo\n" },
    { "PrivateUsers=yes\nUser=nobody", SHOW("id -u; wc -l </proc/self/uid_map"), "65534\n2\n" },
    { "PrivatePIDs=yes", SHOW("echo $$$$ $$(ls -d /proc/[0-9]* | head -1)"), "1 /proc/1\n" },
    { "PrivatePIDs=yes\nPrivateUsers=yes\nUser=nobody", SHOW("id -u; echo $$$$"), "65534\n1\n" },
    { "PrivatePIDs=yes", "+/bin/sh -c 'test $$$$ -gt 1 && echo outside'", "outside\n" },
    { "ProtectHostname=yes", SHOW("hostname x 2>/dev/null || echo refused"), "refused\n" },
    /* credentials */
    { "SetCredential=key:secret\nUser=nobody", SHOW("cat $$CREDENTIALS_DIRECTORY/key"), "secret" },
    { "LoadCredential=key:@/out\nPrivateMounts=yes", SHOW("cat $$CREDENTIALS_DIRECTORY/key"),
      "three\n" },
    { "LoadCredential=key:@/nowhere\nSetCredential=key:fallback",
      SHOW("cat $$CREDENTIALS_DIRECTORY/key"), "fallback" },
    { "LoadCredential=all:@/lib/b", SHOW("ls $$CREDENTIALS_DIRECTORY"), "" },
    /* calls */
    { "RestrictAddressFamilies=AF_UNIX", "/usr/bin/python3 -c 'import socket; socket.socket()'",
      NULL },
    { "SystemCallFilter=~mkdir mkdirat\nSystemCallErrorNumber=EACCES",
      SHOW("mkdir @/new 2>/dev/null || echo refused"), "refused\n" },
    { "RestrictSUIDSGID=yes", SHOW("chmod u+s @/out 2>/dev/null || echo refused"), "refused\n" },
    { "RestrictNamespaces=yes", SHOW("unshare -m true 2>/dev/null || echo refused"), "refused\n" },
};

static void write_file(struct fixture *f, const char *name, const char *text)
{
    auto_free char *path = path_join(f->folder, name, NULL);

    assert_int_equal(file_replace(path, text, strlen(text), 0644), 0);
}

/* Not in a chroot, whoever asks. */
static bool can_have_user_namespaces(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(unshare(CLONE_NEWUSER) < 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status == 0;
}

static void check(struct fixture *f, const struct seen *x)
{
    if (strstr(x->settings, "PrivateUsers") && !can_have_user_namespaces())
        return;
    auto_free char *command = resolved(f, x->command);
    auto_free char *output = x->output ? resolved(f, x->output) : NULL;
    bool fails = strstr(x->settings, "NoExecPaths");

    run_unit(f, x->settings, command);
    if (f->report.state != SPAWN_EXECUTED && !fails) {
        auto_free char *message = spawn_report_message(&f->report);

        fail_msg("[%s] %s: %s", x->settings, command, strempty(message));
    }
    if (output && !streq(f->output, output))
        fail_msg("[%s] %s: \"%s\", not \"%s\"", x->settings, command, f->output, output);
    if (f->report.n_degraded > 0)
        fail_msg("[%s]: %s is left out: %s", x->settings, f->report.degraded[0].directive,
                 strerror(-f->report.degraded[0].error));
}

static void run_cases(bool holders)
{
    struct fixture f;

    if (!is_root())
        skip();
    fixture_init(&f, holders);
    write_file(&f, "environment", "A='from file'\n");
    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        check(&f, &cases[i]);
    fixture_done(&f);
}

static void seen_by_cgroup(void **state)
{
    (void) state;
    run_cases(false);
}

static void seen_by_holder(void **state)
{
    (void) state;
    run_cases(true);
}

/* PermissionsStartOnly= and RootDirectoryStartOnly= exempt the control commands. */
static void phases(void **state)
{
    struct fixture f;

    (void) state;
    if (!is_root())
        skip();
    fixture_init(&f, true);
    run_command(&f, "User=nobody\nPermissionsStartOnly=yes", "/usr/bin/id -u", SPAWN_START_PRE,
                NULL);
    assert_string_equal(f.output, "0\n");
    run_command(&f, "User=nobody\nPermissionsStartOnly=yes", "/usr/bin/id -u", SPAWN_START, NULL);
    assert_string_equal(f.output, "65534\n");
    run_command(&f,
                "RootDirectory=@/nowhere\nRootDirectoryStartOnly=yes\nMountAPIVFS=no\n"
                "WorkingDirectory=-/",
                "/bin/echo outside", SPAWN_RELOAD, NULL);
    assert_string_equal(f.output, "outside\n");
    char *environment[] = { (char *) "MAINPID=42", (char *) "A=manager", NULL };
    run_command(&f, "Environment=A=unit", SHOW("echo $$MAINPID $$A"), SPAWN_RELOAD, environment);
    assert_string_equal(f.output, "42 unit\n");
    fixture_done(&f);
}

/* As the default profile of container runtimes does. */
static void forbid_namespaces(void)
{
    static const char *const calls[] = { "unshare", "setns", "mount", "open_tree", "move_mount" };
    struct syscall_filter *filter = syscall_filter_new();
    struct sock_filter *code = NULL;
    size_t n = 0;

    for (size_t i = 0; i < ELEMENTSOF(calls); i++)
        assert_int_equal(syscall_filter_add(filter, calls[i], CALL_ERRNO(EPERM), NULL, 0), 0);
    assert_int_equal(syscall_filter_add(filter, "clone3", CALL_ERRNO(ENOSYS), NULL, 0), 0);
    assert_int_equal(syscall_filter_program(filter, &code, &n), 0);
    struct sock_fprog program = { (unsigned short) n, code };
    assert_int_equal(prctl(PR_SET_SECCOMP, 2 /* SECCOMP_MODE_FILTER */, &program), 0);
    syscall_filter_free(filter);
    free(code);
}

/* docs/architecture.md, "Classes of sandboxing": what a manager without privileges leaves out, and
 * what it refuses. */
static void classes(void **state)
{
    static const struct {
        const char *settings;
        enum sandbox_policy policy;
        int step; /* 0: goes on without */
    } units[] = {
        { "ProtectHostname=yes", SANDBOX_CONTAINER, 0 },
        { "ProtectHostname=yes", SANDBOX_STRICT, EXEC_STATUS_NAMESPACE },
        { "PrivateNetwork=yes", SANDBOX_CONTAINER, EXEC_STATUS_NETWORK },
        { "PrivateNetwork=yes", SANDBOX_BEST_EFFORT, 0 },
        { "ProtectSystem=strict", SANDBOX_CONTAINER, 0 },
        { "ProtectSystem=strict", SANDBOX_STRICT, EXEC_STATUS_NAMESPACE },
        { "PrivateTmp=yes", SANDBOX_CONTAINER, EXEC_STATUS_NAMESPACE },
        { "PrivateTmp=yes", SANDBOX_BEST_EFFORT, 0 },
        { "BindPaths=/usr:/opt", SANDBOX_BEST_EFFORT, EXEC_STATUS_NAMESPACE },
        { "TemporaryFileSystem=/opt", SANDBOX_BEST_EFFORT, EXEC_STATUS_NAMESPACE },
        { "PrivateUsers=yes", SANDBOX_BEST_EFFORT, EXEC_STATUS_USER },
        { "PrivatePIDs=yes", SANDBOX_BEST_EFFORT, EXEC_STATUS_NAMESPACE },
        { "User=daemon", SANDBOX_BEST_EFFORT, EXEC_STATUS_GROUP },
    };
    struct fixture f;
    pid_t pid;
    int status;

    (void) state;
    if (!is_root())
        skip();
    /* In a process that has given up all capabilities, and may make no namespace. */
    fixture_init(&f, true);
    pid = fork();
    if (pid == 0) {
        int failed = 0;
        forbid_namespaces();
        struct __user_cap_header_struct {
            uint32_t version;
            int pid;
        } header = { 0x20080522, 0 };
        struct {
            uint32_t effective, permitted, inheritable;
        } none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
        for (int cap = 0; cap < 64; cap++)
            (void) prctl(PR_CAPBSET_DROP, cap);
        (void) syscall(SYS_capset, &header, none);
        for (size_t i = 0; i < ELEMENTSOF(units); i++) {
            f.manager.policy = units[i].policy;
            run_unit(&f, units[i].settings, "/bin/true");
            bool fine = units[i].step == 0
                            ? f.report.state == SPAWN_EXECUTED && f.report.n_degraded > 0
                            : f.report.state == SPAWN_FAILED &&
                                  (int) f.report.step == units[i].step;
            if (!fine) {
                fprintf(stderr, "%s, policy %d: state %d step %d errno %d degraded %zu\n",
                        units[i].settings, (int) units[i].policy, (int) f.report.state,
                        (int) f.report.step, f.report.error, f.report.n_degraded);
                failed = 1;
            }
        }
        _exit(failed);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    fixture_done(&f);
}

/* A plain unit's process uses the manager's memory until it executes the program: so that has
 * happened when spawn_start() returns, and nothing is left behind. The limits are those that every
 * unit has from the manager. */
static void shared_memory(void **state)
{
    static const char *const settings[] = {
        "", "Environment=A=1 B=2\nLimitNOFILE=100\nUMask=0077",
        "WorkingDirectory=/usr\nOOMScoreAdjust=1",
        "LimitAS=infinity\nLimitDATA=infinity\nLimitSTACK=8M:infinity\nLimitCORE=0:infinity"
    };
    struct fixture f;

    (void) state;
    if (!is_root())
        skip();
    spawn_init();
    for (int holders = 0; holders < 2; holders++) {
        size_t before = 0;

        fixture_init(&f, holders);
        run_unit(&f, "", "/bin/true");
        if (!f.at_once) {
            fixture_done(&f);
            skip(); /* another processor, AddressSanitizer, an old kernel */
        }
        for (int round = 0; round < 150; round++) {
            for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
                bool shares = fork_shares();

                run_unit(&f, settings[i], "/bin/true");
                assert_int_equal(f.report.state, SPAWN_EXECUTED);
                assert_true(f.at_once || !shares);
            }
            /* One that fails leaves nothing, either. */
            run_unit(&f, "WorkingDirectory=/nonexistent", "/bin/true");
            assert_int_equal(f.report.step, EXEC_STATUS_CHDIR);
            run_unit(&f, "", "/nonexistent");
            assert_int_equal(f.report.step, EXEC_STATUS_EXEC);
            fixture_forget(&f);
            if (round == 10)
                before = mallinfo2().uordblks;
        }
        /* Less than the smallest piece of memory for each launch; lists of free ones vary by some
         * thousand bytes. */
        size_t after = mallinfo2().uordblks;
        if (after > before + (size_t) 139 * 5 * 24)
            fail_msg("%zu bytes are left behind", after - before);
        fixture_done(&f);
    }
}

static int value;

static int set_value(void *userdata)
{
    value = *(int *) userdata;
    return 0;
}

static int set_late(void *userdata)
{
    usleep(20 * 1000);
    return set_value(userdata);
}

static bool sets_own(fork_function f, int to)
{
    int pidfd = -1, status = -1;
    pid_t pid = fork_process(-1, FORK_SHARE, f, &to, &pidfd);

    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close_fd(pidfd);
    return value == to;
}

/* Who had to wait for long forks for a while, and shares again afterwards. */
static void long_wait(void **state)
{
    int to = 1, ordinary = 0;

    (void) state;
    while (!fork_shares())
        (void) sets_own(set_value, to++);
    if (!sets_own(set_value, to++))
        skip();
    while (!fork_shares()) /* on a busy machine each may be late */
        (void) sets_own(set_value, to++);
    for (int i = 0; i < 2 && fork_shares(); i++)
        assert_true(sets_own(set_late, to++));
    assert_false(fork_shares());
    for (; !fork_shares(); ordinary++)
        assert_false(sets_own(set_value, to++));
    assert_true(ordinary > 1);
    assert_true(sets_own(set_value, to++));
}

/* The child has copies of all descriptors of the manager: a limit below their number must not be in
 * the way of what it has to open itself. */
static void few_files(void **state)
{
    static const char *const settings[] = {
        "LimitNOFILE=12", "LimitNOFILE=12\nUser=nobody\nPrivateTmp=yes\nStateDirectory=few"
    };
    struct fixture f;
    int fds[100];

    (void) state;
    if (!is_root())
        skip();
    fixture_init(&f, false);
    for (size_t i = 0; i < ELEMENTSOF(fds); i++)
        fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (size_t i = 0; i < ELEMENTSOF(settings); i++) {
        run_unit(&f, settings[i], "/bin/sh -c 'ulimit -Sn; ulimit -Hn'");
        if (f.report.state != SPAWN_EXECUTED)
            fail_msg("%s: step %d errno %d", settings[i], (int) f.report.step, f.report.error);
        assert_string_equal(f.output, "12\n12\n");
    }
    for (size_t i = 0; i < ELEMENTSOF(fds); i++)
        close(fds[i]);
    fixture_done(&f);
}

/* A file system whose server never answers: whoever opens something there waits for ever. The
 * descriptor is the server's, whose end ends the waiting; -1 where it cannot be had. */
static int mount_hanging(const char *where)
{
    auto_free char *options = NULL;
    auto_close int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

    if (fd < 0 || mkdir(where, 0755) < 0 ||
        asprintf(&options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fd) < 0 ||
        mount("hanging", where, "fuse.hanging", 0, options) < 0)
        return -1;
    return take_fd(&fd);
}

/* Ends with status 0 if spawn_start() returns. Ends the hanging afterwards. */
_Noreturn static void start_hanging(struct fixture *f, const char *hanging)
{
    struct unit_config *c = make_config(f, "");
    auto_free char *script = resolved(f, "@/script");
    struct exec_command *commands = NULL;
    struct command_fault fault;
    struct spawn s;

    assert_int_equal(commands_parse(script, NULL, &commands, &fault), 0);
    struct tracker *t = new_tracker(f);
    struct spawn_request q = { .manager = &f->manager,
                               .config = c,
                               .unit = "tested.service",
                               .command = commands,
                               .phase = SPAWN_START,
                               .tracker = t,
                               .stream_fd = -1,
                               .stderr_stream_fd = -1,
                               .socket_fd = -1,
                               .idle_fd = -1 };
    alarm(DEADLINE_MS / 1000);
    assert_int_equal(spawn_start(&q, &s), 0);
    assert_int_equal(umount2(hanging, MNT_FORCE | MNT_DETACH), 0);
    f->pid = s.pid;
    wait_empty(f, t);
    assert_int_equal(tracker_remove(t), 0);
    _exit(0);
}

/* execve() opens the interpreter while it still uses the memory of whoever waits for it. */
static void hanging_interpreter(void **state)
{
    struct fixture f;

    (void) state;
    if (!is_root() || unshare(CLONE_NEWNS) < 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        skip();
    for (int holders = 0; holders < 2; holders++) {
        int status = 0;

        fixture_init(&f, holders);
        auto_free char *hanging = resolved(&f, "@/hanging"), *script = resolved(&f, "@/script"),
                       *text = NULL;
        auto_close int server = mount_hanging(hanging);
        if (server < 0) {
            fixture_done(&f);
            skip(); /* no FUSE */
        }
        auto_close int fd = open(script, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
        assert_true(asprintf(&text, "#!%s/interpreter\n", hanging) > 0);
        assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
        fd = close_fd(fd);

        pid_t pid = fork();
        if (pid == 0)
            start_hanging(&f, hanging);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        (void) umount2(hanging, MNT_FORCE | MNT_DETACH);
        if (status != 0)
            fail_msg("spawn_start() did not return: %x", (unsigned) status);
        fixture_done(&f);
    }
}

static size_t count_fds(void)
{
    size_t n = 0;

    for (int fd = 0; fd < 4096; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

/* Of the descriptors of a manager that has many the process gets those that are meant for it. */
static void descriptors(void **state)
{
    enum { MANY = 300 };
    struct fixture f;
    int many[MANY];

    (void) state;
    if (!is_root())
        skip();
    spawn_init();
    fixture_init(&f, false);
    for (int i = 0; i < MANY; i++)
        assert_true((many[i] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0);
    size_t before = 0;
    for (int round = 0; round < 5; round++) {
        run_unit(&f, "",
                 "/bin/sh -c 'for fd in /proc/self/fd/*; do echo $${fd##*/}; done; exit 3'");
        assert_int_equal(f.report.state, SPAWN_EXECUTED);
        assert_int_equal(f.exit.status, 3);
        /* And the one by which the shell reads the folder. */
        assert_string_equal(f.output, "0\n1\n2\n3\n");
        if (round == 0)
            before = count_fds(); /* with what the first launch opens once */
    }
    assert_int_equal(count_fds(), before);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(fcntl(many[i], F_GETFD), FD_CLOEXEC);
        close(many[i]);
    }
    fixture_done(&f);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(descriptors),
    cmocka_unit_test(shared_memory),
    cmocka_unit_test(long_wait),
    cmocka_unit_test(few_files),
    cmocka_unit_test(hanging_interpreter),
    cmocka_unit_test(seen_by_cgroup),
    cmocka_unit_test(seen_by_holder),
    cmocka_unit_test(phases),
    cmocka_unit_test(classes),
};

TEST_MAIN(tests)
