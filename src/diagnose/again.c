#include "diagnose/again.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/sockets.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/run.h"

/* After the last process has ended, for what its end sets off (ExecStopPost=, the manager's words).
 */
#define SETTLE (300 * USEC_PER_MSEC)
#define STEP (50 * USEC_PER_MSEC)
#define ASK_TIMEOUT (15 * USEC_PER_SEC)

static const char *program(const struct facts *f)
{
    return f->source == FACTS_REEVE ? "/proc/self/exe" : "systemctl";
}

static int refuse(struct facts *f, const char *why)
{
    int r = strv_addf(&f->blind, "a traced rerun: %s", why);

    return r < 0 ? r : 0;
}

static void ask(const struct facts *f, bool user, const char *verb)
{
    const char *argv[] = { program(f),
                           verb,
                           user ? "--user" : "--system",
                           streq(verb, "start") ? "--no-block" : "--quiet",
                           "--",
                           f->unit,
                           NULL };
    auto_free char *output = NULL;

    (void) run_program(argv, 4096, ASK_TIMEOUT, &output, NULL);
}

/* The same without waiting: the manager cannot answer while it is stopped at a fork that we have to
 * see. The child is reaped by the tracer's loop. */
static int ask_aside(const struct facts *f, bool user, const char *verb)
{
    const char *argv[] = { program(f), verb, user ? "--user" : "--system", "--no-block", "--",
                           f->unit,    NULL };
    pid_t pid = fork();

    if (pid < 0)
        return -errno;
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        for (int fd = 0; null >= 0 && fd < 3; fd++)
            (void) dup2(null, fd);
        execvp(argv[0], (char **) argv);
        _exit(127);
    }
    return 0;
}

/* Whether the process is one of the unit's: by its cgroup, or, where there are none, by its descent
 * from what was forked in our window. systemd sets processes up in a program of its own. */
static int is_ours(pid_t pid, void *userdata)
{
    const struct facts *f = userdata;
    auto_free char *cgroup = NULL, *exe = NULL;

    if (process_exe(pid, &exe) >= 0 && streq(path_basename(exe), "systemd-executor"))
        return -1;
    if (process_cgroup(pid, &cgroup) < 0)
        return true;
    auto_free char *unit = cgroup_unit(cgroup);
    return !unit || streq(unit, f->unit);
}

/* The manager's pid, seen from here: systemd and reeve say it of themselves as PID 1, or by the
 * socket. */
static pid_t manager_pid(bool user)
{
    auto_free char *comm = NULL;

    if (user || process_comm(1, &comm) < 0)
        return 0;
    return 1;
}

static void watch(struct facts *f, struct tracer *t, usec_t limit)
{
    usec_t end = usec_add(now_usec(CLOCK_MONOTONIC), limit), quiet_since = 0;

    for (usec_t now; (now = now_usec(CLOCK_MONOTONIC)) < end;) {
        size_t executed, watched;

        if (tracer_run(t, STEP) < 0)
            return;
        watched = tracer_watched(t, &executed);
        if (executed == 0 || watched > 0)
            quiet_since = 0;
        else if (quiet_since == 0)
            quiet_since = now;
        else if (now - quiet_since > SETTLE)
            return;
    }
}

int facts_run_again(struct facts *f, bool user, usec_t limit)
{
    struct tracer *t = NULL;
    pid_t manager = manager_pid(user);
    size_t executed = 0;
    const char *state = facts_property(f, "ActiveState");

    if (f->recorded)
        return 0;
    if (f->source == FACTS_FILE)
        return refuse(f, "no service manager runs here");
    if (geteuid() != 0 || manager == 0)
        return refuse(f, "only root can watch the manager of this machine");
    /* Between two attempts nothing runs; the series is taken up again afterwards. */
    const char *sub = facts_property(f, "SubState");
    bool in_series = sub && startswith(sub, "auto-restart");
    if (state && !streq(state, "failed") && !streq(state, "inactive") && !in_series)
        return refuse(f, "the unit is active");
    int r = tracer_new(&t);
    if (r < 0)
        return r;
    if (in_series)
        ask(f, user, "stop");
    ask(f, user, "reset-failed"); /* else a start limit that was hit refuses the start */
    r = tracer_seize_manager(t, manager, is_ours, f);
    if (r < 0) {
        tracer_free(t);
        return refuse(f, "the manager may not be traced here");
    }
    r = ask_aside(f, user, "start");
    if (r >= 0)
        watch(f, t, limit);
    bool works = tracer_watched(t, &executed) > 0 && executed > 0;
    tracer_release_manager(t);
    tracer_let_go(t);
    ask(f, user, "stop");
    if (in_series)
        ask(f, user, "start");
    if (r < 0) {
        tracer_free(t);
        return r;
    }
    tracer_free(f->tracer);
    f->tracer = t;
    f->trace = tracer_events(t, &f->n_trace, NULL);
    f->traced = true;
    f->works_now = works;
    return 1;
}
