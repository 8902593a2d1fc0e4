/* reeve guard -- runs a service as the main process, and bridges probes of its health to
 * sd_notify(3). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/sockets.h"
#include "base/str.h"
#include "base/timespan.h"
#include "cli/notify.h"
#include "cli/usage.h"
#include "cli/verbs.h"
#include "health/command.h"
#include "health/enter.h"
#include "health/prober.h"

/* sysexits.h: it runs inside units, where 2 is a service's own status. */
#define EXIT_GUARD_USAGE 64
/* As env(1), nohup(1) and shells have them. */
#define EXIT_CANNOT_EXECUTE 126
#define EXIT_NOT_FOUND 127

#define HOLD_DEFAULT USEC_PER_MINUTE
#define ASK_TIMEOUT (3 * USEC_PER_SEC)

enum {
    OPTION_INTERVAL = 1000,
    OPTION_TIMEOUT,
    OPTION_FAILURES,
    OPTION_SUCCESSES,
    OPTION_HOLD,
    OPTION_KEEP_NOTIFY,
    OPTION_HIDDEN_BESIDE, /* the manager's: manager/service_health.c */
    OPTION_CHECK
};

struct guard {
    struct probe *probes;
    size_t n, allocated;
    struct probe_defaults defaults;
    usec_t hold;
    bool keep_notify;
    pid_t beside; /* the process of a service that the manager has started; 0: CMD is started */
    char **command;
};

static void guard_done(struct guard *g)
{
    for (size_t i = 0; i < g->n; i++)
        probe_done(&g->probes[i]);
    free(g->probes);
}

static int print_help(void)
{
    auto_strbuf struct strbuf b = {};

    check_help(CHECK_WHILE, &b);
    strbuf_add(
        &b,
        "Each probe can be given several times. At the end of its value it takes\n"
        "        ,for=start|ready|live|ready+live ,interval=TIME ,timeout=TIME ,failures=N "
        ",successes=N\n\n"
        "  --interval=TIME    between probes (10s)\n"
        "  --timeout=TIME     of a probe (5s)\n"
        "  --failures=N       in a row, until a probe has failed (3)\n"
        "  --successes=N      in a row, until a probe has passed (1)\n"
        "  --hold=TIME        how long a starved machine excuses silence (1min; 0: never)\n"
        "  --keep-notify      leave $NOTIFY_SOCKET to the service as well\n"
        "  -h, --help\n\n"
        "The unit needs NotifyAccess=all, and Type=notify for readiness, WatchdogSec= for life.\n"
        "Exit status: the command's own; 64 usage, 126 or 127 where it cannot be executed.\n");
    return verb_print_help("guard", strbuf_text(&b));
}

/* ---- the command line ---- */

static int parse_span(const char *name, const char *text, bool zero, usec_t *ret)
{
    return timespan_parse(text, ret) < 0 || (!zero && *ret < 10 * USEC_PER_MSEC)
               ? usage_error("guard", "--%s=%s: takes a time span, such as 5s", name, text)
               : 0;
}

static int parse_count(const char *name, const char *text, unsigned *ret)
{
    return parse_unsigned(text, ret) < 0 || *ret == 0
               ? usage_error("guard", "--%s=%s: takes a number greater than 0", name, text)
               : 0;
}

static int add_probe(struct guard *g, const struct check_kind *kind, const char *value)
{
    const char *error = NULL;

    if (!grow(&g->probes, &g->allocated, g->n + 1))
        return usage_error("guard", "out of memory");
    if (probe_parse(kind, value, &g->probes[g->n], &error) < 0)
        return usage_error("guard", "--%s=%s: %s", kind->option, value,
                           error ? error : "out of memory");
    g->n++;
    return 0;
}

static int take_option(struct guard *g, int option)
{
    switch (option) {
    case OPTION_INTERVAL:
        return parse_span("interval", optarg, false, &g->defaults.interval);
    case OPTION_TIMEOUT:
        return parse_span("timeout", optarg, false, &g->defaults.timeout);
    case OPTION_FAILURES:
        return parse_count("failures", optarg, &g->defaults.failures);
    case OPTION_SUCCESSES:
        return parse_count("successes", optarg, &g->defaults.successes);
    case OPTION_HOLD:
        return parse_span("hold", optarg, true, &g->hold);
    case OPTION_KEEP_NOTIFY:
        g->keep_notify = true;
        return 0;
    case OPTION_HIDDEN_BESIDE:
        return parse_pid(optarg, &g->beside) < 0
                   ? usage_error("guard", "--beside=%s: takes a pid", optarg)
                   : 0;
    default:
        return add_probe(g, &check_kinds[option - OPTION_CHECK], optarg);
    }
}

/* Returns -1 to go on, or the exit status. */
static int parse_options(struct guard *g, int argc, char **argv)
{
    static const struct option rest[] = {
        { "interval", required_argument, NULL, OPTION_INTERVAL },
        { "timeout", required_argument, NULL, OPTION_TIMEOUT },
        { "failures", required_argument, NULL, OPTION_FAILURES },
        { "successes", required_argument, NULL, OPTION_SUCCESSES },
        { "hold", required_argument, NULL, OPTION_HOLD },
        { "keep-notify", no_argument, NULL, OPTION_KEEP_NOTIFY },
        { "beside", required_argument, NULL, OPTION_HIDDEN_BESIDE },
        { "help", no_argument, NULL, 'h' },
        {},
    };
    auto_free struct option *options = check_options(CHECK_WHILE, OPTION_CHECK, rest);
    int c, status = 0;

    if (!options)
        return usage_error("guard", "out of memory");
    optind = 0;
    while (status == 0 && (c = verb_getopt(argc, argv, "+h", options, NULL)) >= 0) {
        if (c == 'h')
            return print_help();
        status = c == '?' ? usage_status("guard") : take_option(g, c);
    }
    if (status)
        return status;
    g->command = argv + optind;
    if (g->n == 0)
        return usage_error("guard", "no probe is given, such as --http=http://127.0.0.1:8080/");
    if (!*g->command && g->beside == 0)
        return usage_error("guard", "no command is given: reeve guard --http=URL -- COMMAND...");
    for (size_t i = 0; i < g->n; i++) {
        probe_complete(&g->probes[i], &g->defaults);
        if (g->beside > 0 && check_needs_begin(&g->probes[i].check))
            return usage_error("guard", "HealthLog= looks into the journal, not into a file");
    }
    return -1;
}

/* ---- whether the unit lets a process beside the main one speak ---- */

static char *own_unit(bool *ret_user)
{
    auto_free char *cgroup = NULL;

    if (process_cgroup(getpid(), &cgroup) < 0)
        return NULL;
    *ret_user = strstr(cgroup, "/user@");
    return cgroup_unit(cgroup);
}

static void check_notify_access(const char *argument, const struct check_context *context,
                                usec_t deadline, struct check_outcome *o)
{
    const char *const whoami[] = { "whoami", NULL };
    auto_free char *unit = NULL, *access = NULL;
    bool user = false;

    if (command_ask_manager(whoami, &unit) != 0 || isempty(unit)) {
        free(unit); /* before systemd 254 */
        unit = own_unit(&user);
    }
    const char *const show[] = { "show",         "-pNotifyAccess",       "--value",
                                 strempty(unit), user ? "--user" : NULL, NULL };
    if (!unit || command_ask_manager(show, &access) != 0 || isempty(access) || streq(access, "all"))
        return;
    check_fail(o, CHECK_FILE, false, NULL,
               "NotifyAccess=%s in %s: the service manager would ignore what the prober says; set "
               "NotifyAccess=all",
               access, unit);
}

/* Blocks for ASK_TIMEOUT at most. Where no manager can be asked there is nothing to say. */
static bool may_notify(void)
{
    static const struct check_kind kind = { .option = "notify-access",
                                            .class = CHECK_OK,
                                            .run = check_notify_access };
    struct check c = { .kind = &kind, .argument = strdup(""), .timeout = ASK_TIMEOUT };
    struct check_context context = {};
    bool refused = checks_run(&c, 1, &context, 0, NULL, NULL) >= 0 && c.outcome.class == CHECK_FILE;

    if (refused)
        fprintf(stderr, "reeve guard: %s\n", c.outcome.found);
    check_done(&c);
    return !refused;
}

/* ---- the prober ---- */

static void say(int priority, const char *text)
{
    /* As SyslogLevelPrefix= has it, where the journal reads. */
    if (getenv("JOURNAL_STREAM"))
        fprintf(stderr, "<%d>", priority);
    fprintf(stderr, "reeve guard: %s\n", text);
}

static void pass_over(int signo)
{
}

/* What is sent to all processes of a unit ends the prober only if it ends services. Handlers, not
 * SIG_IGN: that would be inherited by commands. */
static void set_signals(void)
{
    static const int passed_over[] = { SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE };
    struct sigaction action = { .sa_handler = SIG_DFL };
    sigset_t none;

    (void) sigaction(SIGCHLD, &action, NULL);
    (void) sigaction(SIGTERM, &action, NULL);
    action.sa_handler = pass_over;
    action.sa_flags = SA_RESTART;
    for (size_t i = 0; i < ELEMENTSOF(passed_over); i++)
        (void) sigaction(passed_over[i], &action, NULL);
    sigemptyset(&none);
    (void) sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Of the manager's watchdog for the service; taken before the variables are. */
static usec_t watchdog_span(void)
{
    const char *text = getenv("WATCHDOG_USEC");
    uint64_t span = 0;

    return text && parse_u64(text, &span) >= 0 ? span : 0;
}

static int open_notify(void)
{
    const char *address = getenv("NOTIFY_SOCKET");
    int fd = -1;

    if (isempty(address))
        return -1;
    int r = notify_connect(address, &fd);
    if (r < 0)
        fprintf(stderr, "reeve guard: $NOTIFY_SOCKET=%s: %s\n", address, strerror(-r));
    return fd;
}

/* The sockets and files that the service was given are the service's alone. */
static void close_all_but(int a, int b)
{
    int low = MIN(a, b), high = a + b - low;

    low = MAX(low, 2);
    high = MAX(high, low);
    if (low > 3)
        (void) close_range(3, (unsigned) low - 1, 0);
    if (high > low + 1)
        (void) close_range((unsigned) low + 1, (unsigned) high - 1, 0);
    (void) close_range((unsigned) high + 1, ~0U, 0);
}

/* Until the service ends. Returns the exit status. */
static int probe(struct guard *g, struct prober *p)
{
    set_signals();
    p->probes = g->probes;
    p->n = g->n;
    p->hold = g->hold;
    int r = prober_run(p);
    if (r < 0)
        fprintf(stderr, "reeve guard: %s\n", strerror(-r));
    return r < 0;
}

_noreturn_ static void prober_process(struct guard *g, struct prober *p)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void) setsid();
    (void) prctl(PR_SET_NAME, "reeve-guard");
    /* Whoever reads what the service writes to a pipe is to see its end when the service ends. */
    (void) dup2(null, STDIN_FILENO);
    (void) dup2(null, STDOUT_FILENO);
    close_all_but(p->notify_fd, p->service_fd);
    _exit(probe(g, p));
}

/* The prober's parent is not the service: a process in between, which ends at once, leaves it to
 * the init of the service. */
static int start_prober(struct guard *g, struct prober *p)
{
    int status;

    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        pid = fork();
        if (pid == 0)
            prober_process(g, p);
        _exit(pid < 0 ? errno : 0);
    }
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return WIFEXITED(status) ? -WEXITSTATUS(status) : -ECHILD;
}

/* ---- the verb ---- */

/* Lines that a file holds already are no sign of this start. */
static int note_log_positions(struct guard *g)
{
    for (size_t i = 0; i < g->n; i++)
        if (log_argument_begin(&g->probes[i].check) < 0)
            return usage_error("guard", "out of memory");
    return 0;
}

static int execute(char **command)
{
    execvp(command[0], command);
    int error = errno;
    fprintf(stderr, "reeve guard: %s cannot be executed: %s\n", command[0], strerror(error));
    return error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXECUTE;
}

static int guard_command(struct guard *g)
{
    unsigned roles = probe_roles(g->probes, g->n);
    struct prober p = { .service = getpid(), .say = say, .watchdog = watchdog_span() };

    p.notify_fd = open_notify();
    if (p.notify_fd >= 0 && !may_notify())
        return EXIT_GUARD_USAGE;
    if (note_log_positions(g))
        return EXIT_GUARD_USAGE;
    p.service_fd = pidfd_from_pid(p.service);
    int r = start_prober(g, &p);
    close_fd(p.service_fd);
    close_fd(p.notify_fd);
    if (r < 0) {
        fprintf(stderr, "reeve guard: the prober cannot be started: %s\n", strerror(-r));
        return EXIT_CANNOT_EXECUTE;
    }
    /* What the prober answers for, the service does not. */
    if (roles & PROBE_READY && !g->keep_notify)
        unsetenv("NOTIFY_SOCKET");
    if (roles & PROBE_LIVE) {
        unsetenv("WATCHDOG_USEC");
        unsetenv("WATCHDOG_PID");
    }
    return execute(g->command);
}

/* Started by the manager for a unit with [X-Reeve]: it gives what guard takes from the environment
 * of a service, and says itself what is to be said. */
static int probe_beside(struct guard *g)
{
    struct prober p = { .service = g->beside, .watchdog = watchdog_span() };
    struct service_context service = {};

    p.notify_fd = open_notify();
    p.service_fd = pidfd_from_pid(g->beside);
    if (p.notify_fd < 0 || p.service_fd < 0)
        return 1;
    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void) prctl(PR_SET_NAME, "reeve-health");
    p.enter = service_context_enter;
    p.enter_userdata = &service;
    int r = service_context_read(g->beside, &service);
    int status = r < 0 ? 1 : probe(g, &p);
    service_context_done(&service);
    return status;
}

int verb_guard(int argc, char **argv)
{
    _cleanup_(guard_done) struct guard g = { .defaults = PROBE_DEFAULTS, .hold = HOLD_DEFAULT };
    int status = parse_options(&g, argc, argv);

    if (status >= 0)
        return status;
    return g.beside > 0 ? probe_beside(&g) : guard_command(&g);
}
