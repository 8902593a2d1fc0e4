/* Ends: actions of units, signals to the manager, the ordered shutdown and its deadline. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/names.h"
#include "base/str.h"
#include "event/event.h"
#include "launch/track.h"
#include "manager/last_words.h"
#include "manager/private.h"
#include "manager/shutdown.h"
#include "unit/config.h"

/* ---- objectives ---- */

static const struct {
    const char *target;
    enum manager_objective objective;
} ends[] = {
    { "exit.target", OBJECTIVE_EXIT },     { "poweroff.target", OBJECTIVE_POWEROFF },
    { "reboot.target", OBJECTIVE_REBOOT }, { "halt.target", OBJECTIVE_HALT },
    { "kexec.target", OBJECTIVE_KEXEC },   { "soft-reboot.target", OBJECTIVE_SOFT_REBOOT },
};

void manager_set_objective(struct manager *m, enum manager_objective o)
{
    m->objective = o;
    event_loop_exit(m->loop, (int) o);
}

int manager_exit_code(const struct manager *m)
{
    return m->exit_code;
}

void manager_set_exit_code(struct manager *m, uint8_t code)
{
    m->exit_code = code;
    m->exit_code_set = true;
}

/* ---- the ordered shutdown ---- */

/* Whatever has not stopped by the deadline is killed, last started first. */
static void kill_what_is_left(struct manager *m)
{
    for (;;) {
        struct unit *u, *last = NULL;

        MANAGER_FOREACH_UNIT(u, m)
        if (u->tracker && u->ops->has_processes && !tracker_is_empty(u->tracker) &&
            !u->killed_at_end &&
            (!last || u->inactive_exit.monotonic > last->inactive_exit.monotonic))
            last = u;
        if (!last)
            return;
        last->killed_at_end = true;
        unit_log_text(last, LOG_WARNING, "Still running at the end of the stop timeout, killing.");
        (void) tracker_kill(last->tracker, SIGKILL, NULL, 0);
    }
}

static void on_last_call(struct event_source *s, usec_t due, void *userdata)
{
    manager_set_objective(userdata, ((struct manager *) userdata)->shutdown_objective);
}

static void on_deadline(struct event_source *s, usec_t due, void *userdata)
{
    struct manager *m = userdata;

    kill_what_is_left(m);
    /* Their exits are taken in, and then it is over whatever they say. */
    event_source_free(s);
    m->stop_timer = NULL;
    if (event_add_time(m->loop, CLOCK_MONOTONIC,
                       usec_add(now_usec(CLOCK_MONOTONIC), 300 * USEC_PER_MSEC), on_last_call, m,
                       &m->stop_timer) < 0)
        manager_set_objective(m, m->shutdown_objective);
}

static void begin_shutdown(struct manager *m, enum manager_objective o)
{
    usec_t timeout = m->options.stop_timeout;

    if (m->shutting_down)
        return;
    m->shutting_down = true;
    manager_apply_startup(m);
    m->shutdown_begin = dual_now();
    m->shutdown_objective = o;
    if (timeout == 0)
        timeout = m->role == MANAGER_PID1 ? 9 * USEC_PER_SEC : USEC_INFINITY;
    if (timeout == USEC_INFINITY)
        return;
    /* The last moments belong to SIGKILL. */
    timeout = timeout > USEC_PER_SEC ? timeout - 500 * USEC_PER_MSEC : timeout;
    if (event_add_time(m->loop, CLOCK_MONOTONIC, usec_add(now_usec(CLOCK_MONOTONIC), timeout),
                       on_deadline, m, &m->stop_timer) < 0)
        log_error("Out of memory: the shutdown has no deadline");
}

int manager_start_end(struct manager *m, enum manager_objective o)
{
    auto_op_error struct op_error e = { 0 };
    struct unit *u;

    for (size_t i = 0; i < ELEMENTSOF(ends); i++) {
        if (ends[i].objective != o)
            continue;
        int r = manager_load_unit(m, ends[i].target, &u, &e);
        if (r >= 0)
            r = manager_add_job(m, JOB_START, u, JOB_MODE_REPLACE_IRREVERSIBLY, NULL, &e);
        if (r >= 0) {
            begin_shutdown(m, o);
            return 0;
        }
        log_error("Cannot begin %s: %s; ending without it", ends[i].target, strempty(e.message));
        break;
    }
    manager_set_objective(m, o);
    return 0;
}

/* The status that the manager ends with, where nobody has set one. */
static void take_exit_status(struct manager *m, const struct unit *u)
{
    int status = u->ops->exit_status ? u->ops->exit_status(u) : -ENODATA;

    if (m->exit_code_set)
        return;
    if (status >= 0)
        m->exit_code = status;
    else
        m->exit_code = unit_active_state(u) == ACTIVE_FAILED ? 1 : 0;
    m->exit_code_set = true;
}

void manager_unit_ended(struct manager *m, struct unit *u, enum active_state old,
                        enum active_state ns)
{
    if (u->type == UNIT_TARGET && ns == ACTIVE_ACTIVE)
        for (size_t i = 0; i < ELEMENTSOF(ends); i++)
            if (streq(u->id, ends[i].target))
                manager_set_objective(m, ends[i].objective);

    if (m->exit_when && streq(u->id, m->exit_when) && !unit_will_restart(u) && !m->shutting_down &&
        inactive_or_failed(ns) && !inactive_or_failed(old)) {
        take_exit_status(m, u);
        log_notice("%s ended; so do we, with status %d", u->id, m->exit_code);
        if (m->exit_code == 0 || last_words_begin(m, u) <= 0)
            (void) manager_start_end(m, OBJECTIVE_EXIT);
    }
}

/* ---- FailureAction= and the like ---- */

void manager_action(struct manager *m, enum emergency_action action, int status, const char *why)
{
    static const struct {
        enum manager_objective objective;
        bool force;
    } rows[EMERGENCY_ACTION_MAX] = {
        [EMERGENCY_ACTION_NONE] = { OBJECTIVE_RUN, false },
        [EMERGENCY_ACTION_EXIT] = { OBJECTIVE_EXIT, false },
        [EMERGENCY_ACTION_EXIT_FORCE] = { OBJECTIVE_EXIT, true },
        [EMERGENCY_ACTION_REBOOT] = { OBJECTIVE_REBOOT, false },
        [EMERGENCY_ACTION_REBOOT_FORCE] = { OBJECTIVE_REBOOT, true },
        [EMERGENCY_ACTION_REBOOT_IMMEDIATE] = { OBJECTIVE_REBOOT, true },
        [EMERGENCY_ACTION_POWEROFF] = { OBJECTIVE_POWEROFF, false },
        [EMERGENCY_ACTION_POWEROFF_FORCE] = { OBJECTIVE_POWEROFF, true },
        [EMERGENCY_ACTION_POWEROFF_IMMEDIATE] = { OBJECTIVE_POWEROFF, true },
        [EMERGENCY_ACTION_SOFT_REBOOT] = { OBJECTIVE_SOFT_REBOOT, false },
        [EMERGENCY_ACTION_SOFT_REBOOT_FORCE] = { OBJECTIVE_SOFT_REBOOT, true },
        [EMERGENCY_ACTION_KEXEC] = { OBJECTIVE_KEXEC, false },
        [EMERGENCY_ACTION_KEXEC_FORCE] = { OBJECTIVE_KEXEC, true },
        [EMERGENCY_ACTION_HALT] = { OBJECTIVE_HALT, false },
        [EMERGENCY_ACTION_HALT_FORCE] = { OBJECTIVE_HALT, true },
        [EMERGENCY_ACTION_HALT_IMMEDIATE] = { OBJECTIVE_HALT, true },
    };

    if (action == EMERGENCY_ACTION_NONE || rows[action].objective == OBJECTIVE_RUN)
        return;
    log_warning("%s: %s, as configured", why, emergency_action_to_string(action));
    if (status >= 0 && rows[action].objective == OBJECTIVE_EXIT)
        manager_set_exit_code(m, (uint8_t) status);
    if (rows[action].force)
        manager_set_objective(m, rows[action].objective);
    else
        (void) manager_start_end(m, rows[action].objective);
}

/* ---- signals ---- */

static void start_special(struct manager *m, const char *name, enum job_mode mode)
{
    auto_op_error struct op_error e = { 0 };
    struct unit *u;

    int r = manager_load_unit(m, name, &u, &e);
    if (r >= 0)
        r = manager_add_job(m, JOB_START, u, mode, NULL, &e);
    if (r < 0)
        log_warning("Cannot start %s: %s", name, strempty(e.message));
}

static void reloaded(int r, void *userdata)
{
    if (r < 0)
        log_error("Reload failed: %s", strerror(-r));
}

/* systemd(1), SIGNALS. As PID 1 of a container SIGTERM and SIGINT stop everything in order, since
 * that is what container managers send; daemon-reexec is by its verb only. */
static void on_signal(struct event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
    struct manager *m = userdata;
    int signo = (int) si->ssi_signo, rt = signo - SIGRTMIN;

    log_info("Received SIG%s from pid %u", signal_name(signo), si->ssi_pid);
    if (signo == SIGTERM || signo == SIGINT) {
        /* The second Ctrl-C does not wait; one that comes twice is one. */
        if (m->shutting_down && signo == SIGINT &&
            now_usec(CLOCK_MONOTONIC) - m->shutdown_begin.monotonic > 300 * USEC_PER_MSEC) {
            kill_what_is_left(m);
            manager_set_objective(m, OBJECTIVE_EXIT);
        } else if (!m->shutting_down)
            (void) manager_start_end(m, OBJECTIVE_EXIT);
    } else if (signo == SIGHUP)
        (void) manager_reload(m, reloaded, m);
    else if (signo == SIGPWR)
        start_special(m, "sigpwr.target", JOB_MODE_REPLACE);
    else if (rt == 0)
        start_special(m, "default.target", JOB_MODE_ISOLATE);
    else if (rt == 1)
        start_special(m, "rescue.target", JOB_MODE_ISOLATE);
    else if (rt == 2)
        start_special(m, "emergency.target", JOB_MODE_ISOLATE);
    else if (rt >= 3 && rt <= 7) {
        static const enum manager_objective by_number[] = { OBJECTIVE_HALT, OBJECTIVE_POWEROFF,
                                                            OBJECTIVE_REBOOT, OBJECTIVE_KEXEC,
                                                            OBJECTIVE_SOFT_REBOOT };

        (void) manager_start_end(m, by_number[rt - 3]);
    } else if (rt >= 13 && rt <= 17) {
        static const enum manager_objective by_number[] = { OBJECTIVE_HALT, OBJECTIVE_POWEROFF,
                                                            OBJECTIVE_REBOOT, OBJECTIVE_KEXEC,
                                                            OBJECTIVE_SOFT_REBOOT };

        manager_set_objective(m, by_number[rt - 13]);
    } else if (rt == 22)
        log_set_max_priority(LOG_DEBUG);
    else if (rt == 23)
        log_set_max_priority(LOG_INFO);
    else if (rt == 24)
        manager_set_objective(m, OBJECTIVE_EXIT);
}

int manager_watch_signals(struct manager *m)
{
    static const int plain[] = { SIGTERM, SIGINT, SIGHUP, SIGPWR };
    static const int real_time[] = { 0, 1, 2, 3, 4, 5, 6, 7, 13, 14, 15, 16, 17, 22, 23, 24 };
    int r;

    for (size_t i = 0; i < ELEMENTSOF(plain); i++) {
        r = event_add_signal(m->loop, plain[i], on_signal, m, NULL);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < ELEMENTSOF(real_time); i++) {
        r = event_add_signal(m->loop, SIGRTMIN + real_time[i], on_signal, m, NULL);
        if (r < 0)
            return r;
    }
    if (m->role == MANAGER_PID1) {
        (void) reboot(RB_DISABLE_CAD);
        signal(SIGPIPE, SIG_IGN);
    }
    return 0;
}
