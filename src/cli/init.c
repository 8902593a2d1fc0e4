/* reeve init: the manager, as PID 1 of a container, beside another init, or of a user. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/timespan.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "control/manager_service.h"
#include "event/event.h"
#include "manager/handover.h"
#include "manager/manager.h"

static const char options_help[] =
    "\n"
    "      --stop-timeout=TIME       How long everything has to stop (as PID 1: 9s)\n"
    "      --exit-when=UNIT          End, with that unit's exit status, when it has ended\n"
    "      --console=plain|json|none Copy of all units' output to stdout (as PID 1: plain)\n"
    "      --journal=machine|own     Beside another init: kept by its journald where there is "
    "one,\n"
    "                                or by reeve in any case\n"
    "      --sandbox=strict|best-effort\n"
    "                                Never leave out sandboxing that is refused here, or leave\n"
    "                                out PrivateNetwork= and PrivateTmp= as well\n"
    "      --user, --system          A user's manager, also for root; that of the system\n"
    "      --tracking=cgroup|holder  How processes are tracked (cgroup where it can be)\n"
    "      --crash-limit=N           After N crashes within a minute only children are reaped (3)\n"
    "      --log-level=LEVEL         What the manager says: err, warning, notice, info, debug\n"
    "      --check-state=FD          Whether this program can read that state: for daemon-reexec\n"
    "\n"
    "As PID 1, or as a user, it starts default.target where no unit is named; beside another init\n"
    "only what is asked for, since that one has booted the machine.\n"
    "Exit status: 0 or what `exit N`, *ActionExitStatus= or --exit-when= say; 133 for a reboot;\n"
    "1 where the manager cannot run.\n";

/* Of a container that was asked to reboot: the status that systemd-nspawn(1) knows. */
#define EXIT_REBOOT 133

struct init_arguments {
    struct manager_options options;
    bool user, quiet;
    int check_state;
};

enum {
    OPT_STOP_TIMEOUT = 256,
    OPT_EXIT_WHEN,
    OPT_CONSOLE,
    OPT_JOURNAL,
    OPT_SANDBOX,
    OPT_USER,
    OPT_SYSTEM,
    OPT_TRACKING,
    OPT_CRASH_LIMIT,
    OPT_LOG_LEVEL,
    OPT_CHECK_STATE
};

static const struct option long_options[] = {
    { "stop-timeout", required_argument, NULL, OPT_STOP_TIMEOUT },
    { "exit-when", required_argument, NULL, OPT_EXIT_WHEN },
    { "console", required_argument, NULL, OPT_CONSOLE },
    { "journal", required_argument, NULL, OPT_JOURNAL },
    { "sandbox", required_argument, NULL, OPT_SANDBOX },
    { "user", no_argument, NULL, OPT_USER },
    { "system", no_argument, NULL, OPT_SYSTEM },
    { "tracking", required_argument, NULL, OPT_TRACKING },
    { "crash-limit", required_argument, NULL, OPT_CRASH_LIMIT },
    { "log-level", required_argument, NULL, OPT_LOG_LEVEL },
    { "check-state", required_argument, NULL, OPT_CHECK_STATE },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};

static int usage(const char *option, const char *value)
{
    (void) usage_error("init", "--%s=%s is not understood", option, value);
    return -EINVAL;
}

static int parse_log_level(const char *text)
{
    static const char *const names[] = { "emerg",   "alert",  "crit", "err",
                                         "warning", "notice", "info", "debug" };

    for (size_t i = 0; i < ELEMENTSOF(names); i++)
        if (streq(text, names[i])) {
            log_set_max_priority((int) i);
            return 0;
        }
    return usage("log-level", text);
}

/* Returns 0, 1 where all is done (--help), or -EINVAL. */
static int parse_option(struct init_arguments *a, int c)
{
    struct manager_options *o = &a->options;

    switch (c) {
    case OPT_STOP_TIMEOUT:
        return timespan_parse(optarg, &o->stop_timeout) < 0 ? usage("stop-timeout", optarg) : 0;
    case OPT_EXIT_WHEN:
        o->exit_when = optarg;
        return 0;
    case OPT_CONSOLE:
        if (!streq(optarg, "plain") && !streq(optarg, "json") && !streq(optarg, "none"))
            return usage("console", optarg);
        o->console = optarg;
        return 0;
    case OPT_JOURNAL:
        if (!streq(optarg, "machine") && !streq(optarg, "own"))
            return usage("journal", optarg);
        o->own_journal = streq(optarg, "own");
        return 0;
    case OPT_SANDBOX:
        if (!streq(optarg, "strict") && !streq(optarg, "best-effort"))
            return usage("sandbox", optarg);
        o->sandbox = optarg;
        return 0;
    case OPT_USER:
        a->user = true;
        return 0;
    case OPT_SYSTEM:
        return 0;
    case OPT_TRACKING:
        if (!streq(optarg, "cgroup") && !streq(optarg, "holder"))
            return usage("tracking", optarg);
        o->no_cgroup = streq(optarg, "holder");
        return 0;
    case OPT_CRASH_LIMIT:
        if (parse_unsigned(optarg, &o->crashes_max) < 0 || o->crashes_max == 0)
            return usage("crash-limit", optarg);
        return 0;
    case OPT_LOG_LEVEL:
        return parse_log_level(optarg);
    case OPT_CHECK_STATE:
        a->check_state = atoi(optarg);
        return 0;
    case 'h':
        verb_print_help("init", options_help);
        return 1;
    default:
        return -EINVAL;
    }
}

static int parse_arguments(int argc, char **argv, struct init_arguments *a)
{
    int c;

    optind = 1;
    while ((c = verb_getopt(argc, argv, "h", long_options, NULL)) >= 0) {
        int r = parse_option(a, c);

        if (r != 0)
            return r;
    }
    return 0;
}

/* What a process has to be before it starts others. */
static void prepare_process(enum manager_role role)
{
    struct rlimit files;
    sigset_t none;

    alloc_return_memory();
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_IGN);
    umask(role == MANAGER_USER ? umask(077) & 077 : 0);
    (void) !chdir("/");
    /* The manager keeps descriptors of every unit; services get DefaultLimitNOFILE=. */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &files);
    }
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0)
            (void) open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
}

static int exit_status(const struct manager *m, enum manager_objective o)
{
    switch (o) {
    case OBJECTIVE_REBOOT:
    case OBJECTIVE_KEXEC:
        return EXIT_REBOOT;
    case OBJECTIVE_RUN:
    case OBJECTIVE_EXIT:
    case OBJECTIVE_POWEROFF:
    case OBJECTIVE_HALT:
    case OBJECTIVE_SOFT_REBOOT:
    case OBJECTIVE_REEXEC:
    case OBJECTIVE_MAX:
        break;
    }
    return manager_exit_code(m);
}

/* Without memory there is nothing that a manager could do but wait for it: PID 1 must not end. */
static bool tries_again(int r)
{
    unsigned patience = 1;

    return r == -ENOMEM && getpid() == 1 && alloc_wait(&patience);
}

static int run(struct init_arguments *a, char **argv, char **units)
{
    struct event_loop *loop;
    struct manager *m;
    struct manager_service *control = NULL;
    enum manager_objective o;

    int r;
    do
        r = event_loop_new(&loop);
    while (tries_again(r));
    if (r >= 0)
        do
            r = manager_new(loop, &a->options, &m);
        while (tries_again(r));
    if (r < 0) {
        log_error("Cannot begin: %s", strerror(-r));
        return EXIT_FAILURE;
    }
    r = manager_begin(m, units && *units ? units : NULL, argv);
    if (r == -EBUSY) {
        manager_free(m);
        event_loop_free(loop);
        return EXIT_FAILURE;
    }
    if (r < 0)
        log_error("Cannot start anything: %s", strerror(-r));
    do
        r = manager_service_new(m, &control);
    while (tries_again(r));
    if (r < 0)
        log_error("No control socket in %s: %s", manager_socket_dir(m), strerror(-r));

    while ((o = manager_run(m)) == OBJECTIVE_REEXEC) {
        manager_service_flush(control);
        r = manager_exec_again(m);
        log_error("Cannot execute the manager anew: %s; going on", strerror(-r));
        manager_set_objective(m, OBJECTIVE_RUN);
        manager_reexec_failed(m, r);
    }

    int status = exit_status(m, o);
    manager_service_flush(control);
    manager_service_free(control);
    manager_free(m);
    event_loop_free(loop);
    if (o == OBJECTIVE_SOFT_REBOOT)
        execv("/proc/self/exe", argv);
    return status;
}

int verb_init(int argc, char **argv)
{
    struct init_arguments a = { .check_state = -1 };
    int r = parse_arguments(argc, argv, &a);

    if (r != 0)
        return r < 0 ? EXIT_USAGE : EXIT_SUCCESS;
    if (a.check_state >= 0)
        return manager_check_state(a.check_state) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;

    a.options.role = getpid() == 1               ? MANAGER_PID1
                     : geteuid() == 0 && !a.user ? MANAGER_SUPERVISOR
                                                 : MANAGER_USER;
    a.options.user_units = a.options.role == MANAGER_USER;
    if (!a.options.console)
        a.options.console = a.options.role == MANAGER_PID1 ? "plain" : "none";
    log_set_prefix("reeve");
    prepare_process(a.options.role);
    /* getopt_long() has moved the units to the end; the whole line is wanted again for exec, with
     * the name of the program in front of the verb. */
    return run(&a, argv, argv + optind);
}
