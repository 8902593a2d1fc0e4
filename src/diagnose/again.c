#include "diagnose/again.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/sockets.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/run.h"
#include "launch/holder.h"

/* After the last process has ended, for what its end sets off (ExecStopPost=, the manager's words).
 */
#define SETTLE (300 * USEC_PER_MSEC)
#define STEP (50 * USEC_PER_MSEC)
#define ASK_TIMEOUT (120 * USEC_PER_SEC)
/* What was started for the look only is stopped again. Who asks waits so long for that, not for
 * TimeoutStopSec=. */
#define STOP_PATIENCE (10 * USEC_PER_SEC)
/* After that long a process that the manager would signal has had its signal. */
#define SIGNAL_REST (2 * USEC_PER_SEC)

static const char *program(const struct facts *f)
{
    return f->source == FACTS_REEVE ? "/proc/self/exe" : "systemctl";
}

static int refuse(struct facts *f, const char *why)
{
    int r = strv_addf(&f->blind, "a traced rerun: %s", why);

    return r < 0 ? r : 0;
}

static int tell(const struct facts *f, bool user, const char *verb, usec_t timeout)
{
    const char *argv[] = { program(f), verb, user ? "--user" : "--system", "--quiet", "--",
                           f->unit,    NULL };
    auto_free char *output = NULL;

    return run_program(argv, 4096, timeout, &output, NULL);
}

int facts_tell_manager(const struct facts *f, bool user, const char *verb)
{
    return tell(f, user, verb, ASK_TIMEOUT);
}

/* VERB of the unit without waiting: the manager cannot answer while it is stopped at a fork that we
 * have to see. The process ends with the job; the tracer's loop reaps it. */
static int tell_aside(const struct facts *f, bool user, const char *verb, pid_t *ret_pid)
{
    const char *argv[] = { program(f), verb, user ? "--user" : "--system", "--", f->unit, NULL };
    pid_t pid = fork();

    if (pid < 0)
        return -errno;
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int fd = 0; null >= 0 && fd < 3; fd++)
            (void) dup2(null, fd);
        execvp(argv[0], (char **) argv);
        _exit(127);
    }
    *ret_pid = pid;
    return 0;
}

/* Whether the process is one of the unit's: by its cgroup, or, where there are none, by its descent
 * from what was forked in our window. systemd sets processes up in a program of its own, and
 * holders are reeve's. */
static int is_ours(pid_t pid, void *userdata)
{
    const struct facts *f = userdata;
    auto_free char *cgroup = NULL, *exe = NULL;
    auto_strv char **argv = NULL;

    if (process_exe(pid, &exe) >= 0 && streq(path_basename(exe), "systemd-executor"))
        return -1;
    if (process_argv(pid, &argv) >= 0 && argv && streq_ptr(argv[0], HOLDER_NAME))
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

/* Until all of it has ended, or the time is over. */
static void watch(const struct rerun *how, struct tracer *t, pid_t job)
{
    usec_t end = usec_add(now_usec(CLOCK_MONOTONIC), how->limit), quiet_since = 0;
    bool is_done = false;

    for (usec_t now; (now = now_usec(CLOCK_MONOTONIC)) < end;) {
        size_t executed, watched;

        if (tracer_run(t, STEP) < 0)
            return;
        if (how->step && how->step(t, how->userdata))
            return;
        if (!is_done && how->stay > 0 && kill(job, 0) < 0) {
            is_done = true;
            end = MIN(end, usec_add(now, MAX(how->stay, SETTLE)));
        }
        watched = tracer_watched(t, &executed);
        if ((executed == 0 && !is_done) || watched > 0)
            quiet_since = 0;
        else if (quiet_since == 0)
            quiet_since = now;
        else if (now - quiet_since > SETTLE)
            return;
    }
}

/* What has to be so before a start. Between two attempts nothing runs; the series is taken up again
 * afterwards. */
static const char *prepare(const struct facts *f, const struct rerun *how, bool *ret_in_series)
{
    const char *state = facts_property(f, "ActiveState"), *sub = facts_property(f, "SubState");

    *ret_in_series = sub && startswith(sub, "auto-restart");
    if (f->unanswered)
        return "the manager gives no answer";
    if (state && !streq(state, "failed") && !streq(state, "inactive") && !*ret_in_series &&
        !how->force)
        return streq(state, "deactivating") ? "the unit is being stopped"
               : streq(state, "activating") ? "the unit is being started"
                                            : "the unit is active";
    if (*ret_in_series || how->force)
        (void) tell(f, how->user, "stop", how->force ? ASK_TIMEOUT : STOP_PATIENCE);
    /* Else a start limit that was hit refuses the start. */
    (void) tell(f, how->user, "reset-failed", STOP_PATIENCE);
    return NULL;
}

static int finish(struct facts *f, const struct rerun *how, bool in_series)
{
    if (how->keep)
        return 0;
    if (tell(f, how->user, "stop", STOP_PATIENCE) < 0)
        return strv_addf(&f->blind, "a traced rerun: %s was still being stopped afterwards%s",
                         f->unit, in_series ? ", and was not started again" : "");
    if (in_series)
        (void) tell(f, how->user, "start", STOP_PATIENCE);
    return 0;
}

int facts_run_untraced(struct facts *f, const struct rerun *how)
{
    usec_t begin = now_usec(CLOCK_MONOTONIC), end = usec_add(begin, how->limit), now;
    bool in_series, is_done = false;
    const char *reason = prepare(f, how, &in_series);
    pid_t job;
    int r = reason ? refuse(f, reason) : tell_aside(f, how->user, "start", &job);

    if (r < 0 || reason)
        return r;
    while ((now = now_usec(CLOCK_MONOTONIC)) < end) {
        if (!is_done && waitpid(job, NULL, WNOHANG) == job) {
            is_done = true;
            end = MIN(end, usec_add(now, MAX(how->stay, SETTLE)));
        }
        if (how->step && how->step(NULL, how->userdata))
            break;
        (void) usleep(STEP);
    }
    if (!is_done && kill(job, SIGKILL) >= 0)
        (void) waitpid(job, NULL, 0);
    r = finish(f, how, in_series);
    return r < 0 ? r : 1;
}

/* A program that asks whether it is traced, and may do something else then. */
static int note_refusal(struct facts *f)
{
    const struct trace_event *e = facts_find_call(f, "ptrace", EPERM);

    return e ? strv_addf(&f->blind,
                         "a traced rerun: %s does not want to be traced (%s = EPERM) and may have "
                         "ended for that; --again=no leaves the tracing out",
                         e->comm, e->text)
             : 0;
}

/* Stops the unit while its processes are still traced, as those have to be that have the filter:
 * what does not end in time is killed, since it could not run on either. */
static void stop_watched(const struct facts *f, const struct rerun *how, struct tracer *t)
{
    const char *property = facts_property(f, "KillSignal");
    int signal = property ? atoi(property) : 0;
    usec_t begin = now_usec(CLOCK_MONOTONIC), kill_at = usec_add(begin, STOP_PATIENCE);
    usec_t end = usec_add(kill_at, SIGNAL_REST);
    usec_t rest = signal > 0 && signal <= 64 ? usec_add(begin, SIGNAL_REST) : USEC_INFINITY;
    size_t executed;
    pid_t job;

    if (tell_aside(f, how->user, "stop", &job) < 0)
        return;
    for (usec_t now = begin; now < end; now = now_usec(CLOCK_MONOTONIC)) {
        if (tracer_run(t, STEP) <= 0 || tracer_watched(t, &executed) == 0)
            break;
        if (now >= rest) {
            tracer_signal_rest(t, signal);
            rest = USEC_INFINITY;
        }
        if (now >= kill_at) {
            tracer_signal_rest(t, SIGKILL);
            kill_at = USEC_INFINITY;
        }
    }
    while (kill(job, 0) >= 0 && now_usec(CLOCK_MONOTONIC) < end)
        if (waitpid(job, NULL, WNOHANG) != 0)
            return;
        else
            (void) usleep(STEP);
    if (kill(job, SIGKILL) >= 0)
        (void) waitpid(job, NULL, 0);
}

int facts_run_again(struct facts *f, const struct rerun *how)
{
    struct tracer *t = NULL;
    pid_t job = 0, manager = manager_pid(how->user);
    size_t executed = 0;
    bool in_series;

    if (f->recorded)
        return 0;
    if (f->source == FACTS_FILE)
        return refuse(f, "no service manager runs here");
    if (geteuid() != 0 || manager == 0)
        return refuse(f, "only root can watch the manager of this machine");
    const char *reason = prepare(f, how, &in_series);
    if (reason)
        return refuse(f, reason);
    int r = tracer_new(&t);
    if (r < 0)
        return r;
    /* What may run on afterwards must not have the filter. */
    r = tracer_seize_manager(t, manager, !how->keep, is_ours, f);
    if (r < 0) {
        tracer_free(t);
        return refuse(f, "the manager may not be traced here");
    }
    r = tell_aside(f, how->user, "start", &job);
    if (r >= 0)
        watch(how, t, job);
    bool works = tracer_watched(t, &executed) > 0 && executed > 0;
    tracer_release_manager(t);
    if (tracer_has_filtered(t))
        stop_watched(f, how, t);
    tracer_let_go(t);
    if (r >= 0 && kill(job, SIGKILL) >= 0)
        (void) waitpid(job, NULL, 0);
    if (r >= 0)
        r = finish(f, how, in_series);
    if (r < 0) {
        tracer_free(t);
        return r;
    }
    tracer_free(f->tracer);
    f->tracer = t;
    f->trace = tracer_events(t, &f->n_trace, NULL);
    f->traced = true;
    f->works_now = works;
    return note_refusal(f) < 0 ? -ENOMEM : 1;
}
