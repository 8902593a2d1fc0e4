/* Every step of the set-up that this kernel can be made to fail: the launch report has the step,
 * the errno, the object and the directive, and the child's exit status is the step's. */
#include "launch_fixture.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include "launch/exec_status.h"

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

struct failing {
    const char *settings, *command;
    int step, error;
    const char *object, *directive; /* NULL: not looked at */
    enum spawn_exec_failure exec;
};

static const struct failing cases[] = {
    { "WorkingDirectory=@/nowhere", "/bin/true", EXEC_STATUS_CHDIR, -ENOENT, "@/nowhere",
      "WorkingDirectory" },
    { "User=nobody\nWorkingDirectory=@/secret", "/bin/true", EXEC_STATUS_CHDIR, -EACCES, "@/secret",
      "WorkingDirectory" },
    { "", "/nowhere/program", EXEC_STATUS_EXEC, -ENOENT, "/nowhere/program", NULL,
      SPAWN_EXEC_LOCATE },
    { "", "surely-no-such-program", EXEC_STATUS_EXEC, -ENOENT, "surely-no-such-program", NULL,
      SPAWN_EXEC_LOCATE },
    { "", "@/not-executable", EXEC_STATUS_EXEC, -EACCES, "@/not-executable", NULL,
      SPAWN_EXEC_LOCATE },
    { "", "/etc", EXEC_STATUS_EXEC, -EISDIR, "/etc", NULL, SPAWN_EXEC_LOCATE },
    { "", "@/bad-interpreter", EXEC_STATUS_EXEC, -ENOENT, "@/bad-interpreter", NULL,
      SPAWN_EXEC_EXECUTE },
    { "", "@/no-format", EXEC_STATUS_EXEC, -ENOEXEC, "@/no-format", NULL, SPAWN_EXEC_EXECUTE },
    { "User=nobody", "@/secret/program", EXEC_STATUS_EXEC, -EACCES, "@/secret/program", NULL,
      SPAWN_EXEC_EXECUTE },
    { "StandardInput=file:@/nowhere/in", "/bin/true", EXEC_STATUS_STDIN, -ENOENT, "@/nowhere/in",
      "StandardInput" },
    { "StandardInput=tty-fail\nTTYPath=@/not-executable", "/bin/true", EXEC_STATUS_STDIN, -ENOTTY,
      "@/not-executable", "StandardInput" },
    { "StandardOutput=append:@/nowhere/out", "/bin/true", EXEC_STATUS_STDOUT, -ENOENT,
      "@/nowhere/out", "StandardOutput" },
    { "StandardError=truncate:@/nowhere/err", "/bin/true", EXEC_STATUS_STDERR, -ENOENT,
      "@/nowhere/err", "StandardError" },
    { "RootDirectory=@/nowhere\nMountAPIVFS=no", "/bin/true", EXEC_STATUS_EXEC, -ENOENT,
      "/bin/true", NULL, SPAWN_EXEC_LOCATE },
    { "RootDirectory=@/nowhere", "/bin/true", EXEC_STATUS_NAMESPACE, -ENOENT, "@/nowhere",
      "RootDirectory" },
    { "User=surely-nobody", "/bin/true", EXEC_STATUS_USER, -ESRCH, "surely-nobody", "User" },
    { "Group=surely-nobody", "/bin/true", EXEC_STATUS_GROUP, -ESRCH, "surely-nobody", "Group" },
    { "SupplementaryGroups=surely-nobody", "/bin/true", EXEC_STATUS_GROUP, -ESRCH, "surely-nobody",
      "SupplementaryGroups" },
    /* The helper is not beside the tests. */
    { "User=nobody\nPAMName=service", "/bin/true", EXEC_STATUS_PAM, -ENOENT, "service", "PAMName" },
    { "BindPaths=@/nowhere:/opt", "/bin/true", EXEC_STATUS_NAMESPACE, -ENOENT, "@/nowhere",
      "BindPaths" },
    { "ReadOnlyPaths=@/nowhere", "/bin/true", EXEC_STATUS_NAMESPACE, -ENOENT, "@/nowhere",
      "ReadOnlyPaths" },
    { "InaccessiblePaths=@/nowhere", "/bin/true", EXEC_STATUS_NAMESPACE, -ENOENT, "@/nowhere",
      "InaccessiblePaths" },
    { "NetworkNamespacePath=@/nowhere", "/bin/true", EXEC_STATUS_NETWORK, -ENOENT, "@/nowhere",
      "NetworkNamespacePath" },
    { "IPCNamespacePath=@/not-executable", "/bin/true", EXEC_STATUS_NAMESPACE, -EINVAL,
      "@/not-executable", "IPCNamespacePath" },
    { "StateDirectory=in-the-way", "/bin/true", EXEC_STATUS_STATE_DIRECTORY, -ENOTDIR,
      "@/lib/in-the-way", "StateDirectory" },
    { "CacheDirectory=x:in-the-way", "/bin/true", EXEC_STATUS_CACHE_DIRECTORY, -EEXIST,
      "@/cache/in-the-way", "CacheDirectory" },
    { "RuntimeDirectory=in-the-way/below", "/bin/true", EXEC_STATUS_RUNTIME_DIRECTORY, -ENOTDIR,
      "@/run/in-the-way/below", "RuntimeDirectory" },
    { "LogsDirectory=in-the-way", "/bin/true", EXEC_STATUS_LOGS_DIRECTORY, -ENOTDIR,
      "@/log/in-the-way", "LogsDirectory" },
    { "ConfigurationDirectory=in-the-way/below", "/bin/true", EXEC_STATUS_CONFIGURATION_DIRECTORY,
      -ENOTDIR, "@/etc/in-the-way/below", "ConfigurationDirectory" },
    { "LoadCredential=key:@/nowhere/key", "/bin/true", EXEC_STATUS_CREDENTIALS, -ENOENT,
      "@/nowhere/key", "LoadCredential" },
    /* More than may be had: as near as possible, as systemd does. */
    { "LimitNOFILE=infinity", "/bin/true", 0, 0, NULL, NULL },
    { "CPUSchedulingPolicy=fifo\nCPUSchedulingPriority=10\nUser=nobody", "/bin/true", 0, 0, NULL,
      NULL },
    { "CPUAffinity=1000", "/bin/true", EXEC_STATUS_CPUAFFINITY, -EINVAL, NULL, "CPUAffinity" },
    { "NUMAPolicy=bind\nNUMAMask=60", "/bin/true", EXEC_STATUS_NUMA_POLICY, -EINVAL, "bind",
      "NUMAPolicy" },
    { "EnvironmentFile=@/nowhere/environment", "/bin/true", -1, -ENOENT, "@/nowhere/environment",
      "EnvironmentFile" },
    { "OpenFile=@/nowhere/file", "/bin/true", -1, -ENOENT, "@/nowhere/file", "OpenFile" },
    { "StandardInput=fd:missing", "/bin/true", -1, -ENOENT, "missing", "StandardInput" },
};

static void make(struct fixture *f, const char *name, const char *text, mode_t mode)
{
    auto_free char *path = path_join(f->folder, name, NULL);
    int fd;

    assert_int_equal(mkdir_parents(path, 0755), 0);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void make_files(struct fixture *f)
{
    auto_free char *secret = path_join(f->folder, "secret", NULL);

    make(f, "not-executable", "text\n", 0644);
    make(f, "bad-interpreter", "#!/nowhere/interpreter\n", 0755);
    make(f, "no-format", "neither script nor program\n", 0755);
    make(f, "secret/program", "#!/bin/sh\n", 0755);
    make(f, "lib/in-the-way", "", 0644);
    make(f, "cache/in-the-way", "", 0644);
    make(f, "run/in-the-way", "", 0644);
    make(f, "log/in-the-way", "", 0644);
    make(f, "etc/in-the-way", "", 0644);
    assert_int_equal(chmod(secret, 0700), 0);
}

static void check(struct fixture *f, const struct failing *x)
{
    auto_free char *command = resolved(f, x->command);
    auto_free char *object = x->object ? resolved(f, x->object) : NULL;
    const struct spawn_report *r = &f->report;

    run_unit(f, x->settings, command);
    if (x->step == 0) {
        if (r->state != SPAWN_EXECUTED)
            fail_msg("%s: step %d errno %d", x->settings, (int) r->step, r->error);
        return;
    }
    int step = x->step < 0 ? 0 : x->step;
    if (r->state != SPAWN_FAILED || (int) r->step != step || r->error != x->error ||
        r->exec != x->exec)
        fail_msg("%s %s: state %d step %d errno %d exec %d, not step %d errno %d exec %d",
                 x->settings, command, r->state, (int) r->step, r->error, r->exec, step, x->error,
                 x->exec);
    if ((object && !streq_ptr(r->object, object)) ||
        (x->directive && !streq_ptr(r->directive, x->directive)))
        fail_msg("%s: object %s directive %s", x->settings, strempty(r->object),
                 strempty(r->directive));
    if (f->exit.code != CLD_EXITED || f->exit.status != (step > 0 ? step : EXIT_FAILURE))
        fail_msg("%s: exit code %d status %d", x->settings, f->exit.code, f->exit.status);
    auto_free char *message = spawn_report_message(r);
    assert_non_null(message);
    if (object && !strstr(message, object))
        fail_msg("%s: the message does not name %s: %s", x->settings, object, message);
}

static void run_cases(bool holders)
{
    struct fixture f;

    if (!is_root())
        skip();
    fixture_init(&f, holders);
    make_files(&f);
    for (size_t i = 0; i < ELEMENTSOF(cases); i++)
        check(&f, &cases[i]);
    fixture_done(&f);
}

static void failures_by_cgroup(void **state)
{
    (void) state;
    run_cases(false);
}

static void failures_by_holder(void **state)
{
    (void) state;
    run_cases(true);
}

/* A script whose first line ends in a carriage return: the report says so. */
static void carriage_return_is_named(void **state)
{
    struct fixture f;

    (void) state;
    if (!is_root())
        skip();
    fixture_init(&f, true);
    make(&f, "dos", "#!/bin/sh\r\necho\r\n", 0755);
    auto_free char *command = resolved(&f, "@/dos");
    run_unit(&f, "", command);
    assert_int_equal(f.report.error, -ENOENT);
    assert_int_equal(f.report.exec, SPAWN_EXEC_EXECUTE);
    assert_non_null(strstr(f.report.detail, "carriage return"));
    fixture_done(&f);
}

/* One that dies on its way is told from one that executed. */
static void first_failure_is_reported(void **state)
{
    struct fixture f;

    (void) state;
    if (!is_root())
        skip();
    fixture_init(&f, true);
    /* In systemd's order: the user, then the output, then the folder, then the program. */
    run_unit(&f, "User=surely-nobody\nStandardOutput=append:@/nowhere/out", "/nowhere/program");
    assert_int_equal(f.report.step, EXEC_STATUS_USER);
    run_unit(&f, "StandardOutput=append:@/nowhere/out\nStateDirectory=x", "/nowhere/program");
    assert_int_equal(f.report.step, EXEC_STATUS_STDOUT);
    run_unit(&f, "WorkingDirectory=@/nowhere", "/nowhere/program");
    assert_int_equal(f.report.step, EXEC_STATUS_EXEC);
    assert_int_equal(f.report.exec, SPAWN_EXEC_LOCATE);
    run_unit(&f, "WorkingDirectory=@/nowhere\nReadOnlyPaths=@/nowhere", "/bin/true");
    assert_int_equal(f.report.step, EXEC_STATUS_NAMESPACE);
    fixture_done(&f);
}

/* ---- what a healthy kernel does not refuse ---- */

/* A call that fails, as under the filter of a container's runtime: where its argument (-1: any
 * arguments) has this value. */
#define SKIPPED 77
struct refused {
    const char *settings;
    int call, argument;
    uint32_t value;
    int error;
    int step;
    const char *directive, *object; /* NULL: none */
};

#ifdef SYS_dup2
#define DUP2 SYS_dup2
#else
#define DUP2 SYS_dup3
#endif

static const struct refused refused_cases[] = {
    { "Nice=5", SYS_setpriority, -1, 0, EINVAL, EXEC_STATUS_NICE, "Nice", "5" },
    { "OpenFile=@/not-executable:x", DUP2, 1, 3, EBADF, EXEC_STATUS_FDS, NULL, NULL },
    { "LimitNPROC=1000", SYS_prlimit64, 1, RLIMIT_NPROC, EINVAL, EXEC_STATUS_LIMITS, "LimitNPROC",
      NULL },
    { "IgnoreSIGPIPE=no", SYS_rt_sigprocmask, 0, SIG_SETMASK, EINVAL, EXEC_STATUS_SIGNAL_MASK, NULL,
      NULL },
    { "RootDirectory=/usr\nMountAPIVFS=no", SYS_chroot, -1, 0, EPERM, EXEC_STATUS_CHROOT,
      "RootDirectory", "/usr" },
    { "IOSchedulingClass=idle", SYS_ioprio_set, -1, 0, EPERM, EXEC_STATUS_IOPRIO,
      "IOSchedulingClass", "idle" },
    { "TimerSlackNSec=1ms", SYS_prctl, 0, PR_SET_TIMERSLACK, EINVAL, EXEC_STATUS_TIMERSLACK,
      "TimerSlackNSec", NULL },
    { "SecureBits=noroot", SYS_prctl, 0, PR_SET_SECUREBITS, EPERM, EXEC_STATUS_SECUREBITS,
      "SecureBits", NULL },
    { "CPUSchedulingPolicy=batch", SYS_sched_setscheduler, -1, 0, ESRCH, EXEC_STATUS_SETSCHEDULER,
      "CPUSchedulingPolicy", NULL },
    { "CPUAffinity=0", SYS_sched_setaffinity, -1, 0, EPERM, EXEC_STATUS_CPUAFFINITY, "CPUAffinity",
      NULL },
    { "User=nobody", SYS_setresgid, -1, 0, EINVAL, EXEC_STATUS_GROUP, "User", "nobody" },
    { "User=nobody", SYS_setresuid, -1, 0, EAGAIN, EXEC_STATUS_USER, "User", "nobody" },
    { "CapabilityBoundingSet=CAP_CHOWN", SYS_prctl, 0, PR_CAPBSET_DROP, EPERM,
      EXEC_STATUS_CAPABILITIES, "CapabilityBoundingSet", "CAP_DAC_OVERRIDE" },
    { "Delegate=yes\nUser=nobody", SYS_fchown, -1, 0, EPERM, EXEC_STATUS_CGROUP, "Delegate", NULL },
    { "UMask=0022", SYS_setsid, -1, 0, EINVAL, EXEC_STATUS_SETSID, NULL, NULL },
    { "NoNewPrivileges=yes", SYS_prctl, 0, PR_SET_NO_NEW_PRIVS, EINVAL,
      EXEC_STATUS_NO_NEW_PRIVILEGES, "NoNewPrivileges", NULL },
    { "SystemCallFilter=~mount", SYS_seccomp, -1, 0, EACCES, EXEC_STATUS_SECCOMP,
      "SystemCallFilter", NULL },
    { "RestrictAddressFamilies=AF_UNIX", SYS_seccomp, -1, 0, EACCES, EXEC_STATUS_ADDRESS_FAMILIES,
      "RestrictAddressFamilies", NULL },
    { "Personality=x86-64", SYS_personality, -1, 0, EINVAL, EXEC_STATUS_PERSONALITY, "Personality",
      NULL },
    { "KeyringMode=private", SYS_keyctl, -1, 0, ENOMEM, EXEC_STATUS_KEYRING, "KeyringMode", NULL },
    { "MemoryKSM=yes", SYS_prctl, 0, 67, EPERM, EXEC_STATUS_KSM, "MemoryKSM", NULL },
    { "PrivateNetwork=yes", SYS_unshare, 0, CLONE_NEWNET, ENOMEM, EXEC_STATUS_NETWORK,
      "PrivateNetwork", NULL },
    { "NUMAPolicy=local", SYS_set_mempolicy, -1, 0, EINVAL, EXEC_STATUS_NUMA_POLICY, "NUMAPolicy",
      "local" },
};

static void refuse(const struct refused *x)
{
    const unsigned argument = x->argument < 0 ? 0 : (unsigned) x->argument;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t) x->call, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8 * argument),
        BPF_JUMP(BPF_JMP | (x->argument < 0 ? BPF_JA : BPF_JEQ) | BPF_K,
                 x->argument < 0 ? 0 : x->value, 0, x->argument < 0 ? 0 : 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t) x->error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = { ELEMENTSOF(code), code };

    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
        _exit(SKIPPED);
}

/* In a process of its own, since a filter cannot be taken away again. */
static void check_refused(struct fixture *f, const struct refused *x)
{
    const struct failing expected = { x->settings, "/bin/true",  x->step,        -x->error,
                                      x->object,   x->directive, SPAWN_EXEC_NONE };
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        refuse(x);
        check(f, &expected);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0 && status != SKIPPED << 8)
        fail_msg("%s, call %d: %x", x->settings, x->call, (unsigned) status);
}

static void refused_calls(void **state)
{
    struct fixture f;

    (void) state;
    if (!is_root())
        skip();
    fixture_init(&f, false);
    make_files(&f);
    for (size_t i = 0; i < ELEMENTSOF(refused_cases); i++)
        if (f.host.kind == TRACK_CGROUP || refused_cases[i].step != EXEC_STATUS_CGROUP)
            check_refused(&f, &refused_cases[i]);
    fixture_done(&f);
}

/* As in containers whose runtime mounts it so. */
static void read_only_proc(void **state)
{
    struct fixture f;

    (void) state;
    if (!is_root())
        skip();
    fixture_init(&f, false);
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("/proc", "/proc", NULL, MS_BIND, NULL) < 0 ||
        mount(NULL, "/proc", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) < 0) {
        fixture_done(&f);
        skip();
    }
    run_unit(&f, "OOMScoreAdjust=7", "/bin/true");
    int step = (int) f.report.step, error = f.report.error;
    assert_int_equal(umount2("/proc", MNT_DETACH), 0);
    assert_int_equal(step, EXEC_STATUS_OOM_ADJUST);
    assert_int_equal(error, -EROFS);
    assert_string_equal(f.report.directive, "OOMScoreAdjust");
    assert_string_equal(f.report.object, "7");
    fixture_done(&f);
}

/* What is not implemented is left out with a warning, but where nothing may be. */
static void strict(void **state)
{
    struct fixture f;

    (void) state;
    if (!is_root())
        skip();
    fixture_init(&f, false);
    f.manager.policy = SANDBOX_STRICT;
    run_unit(&f, "RestrictFileSystems=ext4", "/bin/true");
    assert_int_equal(f.report.step, EXEC_STATUS_BPF);
    assert_string_equal(f.report.directive, "RestrictFileSystems");
    fixture_done(&f);
}

/* Without room for its own arguments: the limit is in force before they are put together. */
static void no_memory(void **state)
{
    struct fixture f;
    auto_free char *word = NULL, *settings = NULL;

    (void) state;
#ifdef SANITIZED
    skip();
#endif
    if (!is_root())
        skip();
    word = malloc(8 << 20);
    assert_non_null(word);
    memset(word, 'x', (8 << 20) - 1);
    word[(8 << 20) - 1] = '\0';
    settings = format("LimitAS=1M\nEnvironment=BIG=%s", word);
    fixture_init(&f, false);
    run_unit(&f, settings, "/bin/echo ${BIG} ${BIG} ${BIG} ${BIG}");
    assert_int_equal(f.report.state, SPAWN_FAILED);
    assert_int_equal(f.report.step, EXEC_STATUS_MEMORY);
    assert_int_equal(f.report.error, -ENOMEM);
    assert_int_equal(f.exit.status, EXEC_STATUS_MEMORY);
    fixture_done(&f);
}

/* Every step has a case, or a reason for which this kernel, or this manager, does not have it. */
static void all_steps(void **state)
{
    static const int others[] = {
        EXEC_STATUS_MEMORY,              /* no_memory() */
        EXEC_STATUS_CONFIRM,             /* nobody is asked: systemd.confirm_spawn= is not read */
        EXEC_STATUS_SELINUX_CONTEXT,     /* these three need a module that */
        EXEC_STATUS_APPARMOR,            /* hardly two machines have, and */
        EXEC_STATUS_SMACK_PROCESS_LABEL, /* no container may use */
        EXEC_STATUS_CHOWN,               /* sockets are opened by the manager */
        EXEC_STATUS_OOM_ADJUST,          /* read_only_proc() */
        EXEC_STATUS_BPF,                 /* strict() */
    };

    (void) state;
    for (int step = 200; step <= 245; step++) {
        bool has = false;

        if (!exec_status_name(step))
            continue;
        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
            has |= cases[i].step == step;
        for (size_t i = 0; i < ELEMENTSOF(refused_cases); i++)
            has |= refused_cases[i].step == step;
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
            has |= others[i] == step;
        if (!has)
            fail_msg("no case for %d/%s", step, exec_status_name(step));
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(failures_by_cgroup),
    cmocka_unit_test(failures_by_holder),
    cmocka_unit_test(carriage_return_is_named),
    cmocka_unit_test(first_failure_is_reported),
    cmocka_unit_test(refused_calls),
    cmocka_unit_test(read_only_proc),
    cmocka_unit_test(strict),
    cmocka_unit_test(no_memory),
    cmocka_unit_test(all_steps),
};

TEST_MAIN(tests)
