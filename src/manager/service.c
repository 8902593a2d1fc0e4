#include "manager/service.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "base/str.h"
#include "base/timespan.h"
#include "event/event.h"
#include "manager/socket.h"

/* How long the removal of RuntimeDirectory= and the like may take. */
#define CLEAN_UP_TIMEOUT (30 * USEC_PER_SEC)

enum notify_access service_notify_access(const struct service *s)
{
    return s->access_override >= 0 ? (enum notify_access) s->access_override
                                   : (enum notify_access) service_config(s)->notify_access;
}

static enum main_process main_process(const struct service *s)
{
    if (s->main.pid > 0)
        return s->main.alien && !process_is_alive(s->main.pid) ? MAIN_GONE : MAIN_ALIVE;
    return s->main_known ? MAIN_GONE : MAIN_UNKNOWN;
}

void service_view_of(const struct service *s, struct service_view *v)
{
    const struct service_config *c = service_config(s);
    bool ran = s->main_exec.pid > 0 && s->main_exec.code != 0;

    *v = (struct service_view){
        .state = s->state,
        .result = s->result,
        .type = c->type,
        .exit_type = c->exit_type,
        .restart = c->restart,
        .start_failure_mode = c->timeout_start_failure_mode,
        .stop_failure_mode = c->timeout_stop_failure_mode,
        .oom_policy = c->oom_policy,
        .notify_state = s->notify_state,
        .main = main_process(s),
        .control_alive = s->control.pid > 0,
        /* Its own child lives where it was started: no need to ask the kernel. */
        .populated = (s->main.pid > 0 && !s->main.alien) || s->control.pid > 0 ||
                     (s->unit.tracker && !tracker_is_empty(s->unit.tracker)),
        .remain_after_exit = c->remain_after_exit,
        .restart_direct = c->restart_mode == RESTART_MODE_DIRECT,
        .send_sigkill = s->unit.config->kill->send_sigkill,
        .notify_main_only = service_notify_access(s) == NOTIFY_ACCESS_MAIN,
        .pid_file = c->pid_file != NULL,
        .pid_file_demanded = s->pid_file_source != NULL,
        .has_start_post = c->exec_start_post != NULL,
        .reload_signalled = s->reload_signalled,
        .reload_answered = s->reload_answered,
        .restart_forbidden = s->forbid_restart,
        .restart_prevented = ran && service_exit_matches(s->main_exec.code, s->main_exec.status,
                                                         c->restart_prevent_exit_status),
        .restart_forced = ran && service_exit_matches(s->main_exec.code, s->main_exec.status,
                                                      c->restart_force_exit_status),
        .stop_pending = unit_stop_pending(UNIT(s)),
        .pinned = s->n_fds > 0 && c->file_descriptor_store_preserve == FD_STORE_PRESERVE_YES,
    };
}

/* ---- deadlines ---- */

static void deadline_passed(struct event_source *source, usec_t due, void *userdata)
{
    struct service *s = userdata;

    if (s->cleaning_up)
        service_cleaned_up(s);
    else
        (void) service_handle(s, EV_TIMEOUT, RESULT_SUCCESS);
}

static void set_deadline(struct service *s, usec_t at)
{
    s->deadline = at;
    if (at == USEC_INFINITY) {
        if (s->timer)
            event_source_disable(s->timer);
    } else if (s->timer)
        event_source_set_time(s->timer, at);
    else if (event_add_time(manager_loop(s->unit.manager), CLOCK_MONOTONIC, at, deadline_passed, s,
                            &s->timer) < 0)
        unit_log_text(UNIT(s), LOG_ERR, "Out of memory: state '%s' goes on without its timeout.",
                      service_states[s->state].name);
}

void service_extend_deadline(struct service *s, usec_t until)
{
    if (s->deadline != USEC_INFINITY && until > s->deadline)
        set_deadline(s, until);
    if (s->watchdog_timer && event_source_enabled(s->watchdog_timer) &&
        until > event_source_time(s->watchdog_timer))
        event_source_set_time(s->watchdog_timer, until);
}

static usec_t running_until(const struct service *s)
{
    usec_t max = service_config(s)->runtime_max_sec;

    if (max == USEC_INFINITY)
        return USEC_INFINITY;
    usec_t since = s->unit.active_enter.monotonic;
    if (since == 0 || !active_or_reloading(unit_active_state(&s->unit)))
        since = now_usec(CLOCK_MONOTONIC);
    return usec_add(usec_add(since, max), s->random_extra);
}

usec_t service_next_restart_delay(const struct service *s)
{
    const struct service_config *c = service_config(s);

    return service_restart_delay(s->n_restarts + 1, c->restart_sec, c->restart_steps,
                                 c->restart_max_delay_sec);
}

/* How long the state that is being entered may last. */
static usec_t state_deadline(const struct service *s)
{
    const struct service_config *c = service_config(s);
    usec_t now = now_usec(CLOCK_MONOTONIC);

    switch (service_states[s->state].deadline) {
    case DEADLINE_NONE:
        return USEC_INFINITY;
    case DEADLINE_START:
        return usec_add(now, c->timeout_start_sec);
    case DEADLINE_RUN:
        return running_until(s);
    case DEADLINE_STOP:
        return usec_add(now, c->timeout_stop_sec);
    case DEADLINE_ABORT:
        return usec_add(now, c->timeout_abort_sec == USEC_UNSET ? c->timeout_stop_sec
                                                                : c->timeout_abort_sec);
    case DEADLINE_RESTART:
        return usec_add(now, service_next_restart_delay(s));
    case DEADLINE_CLEAN:
        return usec_add(now, s->unit.config->exec->timeout_clean_sec);
    }
    assert_unreachable();
}

usec_t service_watchdog_usec(const struct service *s)
{
    return s->watchdog_override != USEC_UNSET ? s->watchdog_override
                                              : service_config(s)->watchdog_sec;
}

static void watchdog_ran_out(struct event_source *source, usec_t due, void *userdata)
{
    struct service *s = userdata;
    char span[TIMESPAN_TEXT_MAX];

    unit_log_text(UNIT(s), LOG_ERR, "Watchdog timeout (limit %s)!",
                  timespan_format(span, service_watchdog_usec(s), 1));
    (void) service_handle(s, EV_WATCHDOG, RESULT_SUCCESS);
}

static void arm_watchdog(struct service *s)
{
    usec_t span = service_watchdog_usec(s);

    if (span == 0 || span == USEC_INFINITY || s->watchdog_time.monotonic == 0 ||
        !(service_states[s->state].owns & OWNS_WATCHDOG)) {
        if (s->watchdog_timer)
            event_source_disable(s->watchdog_timer);
        return;
    }
    usec_t at = usec_add(s->watchdog_time.monotonic, span);
    if (s->watchdog_timer)
        event_source_set_time(s->watchdog_timer, at);
    else if (event_add_time(manager_loop(s->unit.manager), CLOCK_MONOTONIC, at, watchdog_ran_out, s,
                            &s->watchdog_timer) < 0)
        unit_log_text(UNIT(s), LOG_ERR, "Out of memory: the watchdog is not armed.");
}

void service_ping_watchdog(struct service *s)
{
    usec_t span = service_watchdog_usec(s);

    if (span > 0 && span != USEC_INFINITY)
        s->watchdog_time = dual_now();
    arm_watchdog(s);
}

/* ---- entering states ---- */

static void release(struct service *s, unsigned owned)
{
    if (owned & OWNS_TIMER)
        set_deadline(s, USEC_INFINITY);
    if ((owned & OWNS_WATCHDOG) && s->watchdog_timer)
        event_source_disable(s->watchdog_timer);
    if (owned & OWNS_PID_FILE)
        service_forget_pid_file(s);
    if (owned & OWNS_HEALTH)
        service_health_stop(s);
    if (owned & OWNS_MAIN)
        service_forget_child(s, &s->main);
    if (owned & OWNS_CONTROL) {
        service_forget_child(s, &s->control);
        s->control_phase = NO_PHASE;
    }
    if (owned & OWNS_RUNTIME) {
        s->runtime = spawn_runtime_unref(s->runtime);
        (void) unit_set_identity(UNIT(s), (uid_t) -1, (gid_t) -1);
        unit_close_stream(UNIT(s));
    }
}

static bool is_end(enum service_state state)
{
    return state == SERVICE_DEAD || state == SERVICE_FAILED ||
           state == SERVICE_DEAD_RESOURCES_PINNED || service_state_passes(state) ||
           state == SERVICE_AUTO_RESTART;
}

/* Whether the service is started again after this end: by itself, or by a job. */
static bool begins_again(const struct service *s, bool restarts)
{
    const struct job *j = s->unit.job;

    return restarts || (j && (j->type == JOB_RESTART || j->type == JOB_START));
}

/* The invocation is over: says how, and keeps what is known of it. */
static void conclude(struct service *s, bool restarts)
{
    struct unit *u = UNIT(s);
    const char *result = service_result_name(s->result);

    if (s->result == RESULT_SUCCESS)
        unit_message_success(u);
    else if (s->result == RESULT_EXEC_CONDITION)
        unit_log(u, MSG_UNIT_SKIPPED, 0, "UNIT_RESULT", result, NULL);
    else
        unit_log(u, MSG_UNIT_FAILED, 0, "UNIT_RESULT", result, NULL);
    unit_tell_leftovers(u, false);

    if (s->live)
        service_record_end(s);
    s->live = false;
    s->cleaned = false;
    s->flush_restarts = !restarts;
    s->access_override = -1;
    service_notify_close(s);
    if (service_config(s)->pid_file)
        (void) unlink(service_config(s)->pid_file);
    if (!begins_again(s, restarts) &&
        service_config(s)->file_descriptor_store_preserve != FD_STORE_PRESERVE_YES)
        service_release_fds(s);
}

/* The only function that assigns s->state, but for service_resume(). */
static void service_enter(struct service *s, enum service_state next)
{
    struct unit *u = UNIT(s);
    enum active_state old = unit_active_state(u), new;

    release(s, ~service_states[next].owns);
    s->state = next;
    if (service_states[next].deadline != DEADLINE_NONE)
        set_deadline(s, state_deadline(s));
    /* The watchdog begins when the service has started. */
    if ((next == SERVICE_START_POST || next == SERVICE_RUNNING) && s->watchdog_time.monotonic == 0)
        service_ping_watchdog(s);
    arm_watchdog(s);
    service_health_start(s);
    /* Where a unit has ended, unit_notify_state() does it. */
    if (next == SERVICE_EXITED || next == SERVICE_AUTO_RESTART)
        unit_give_cgroup_back(u);
    if (next == SERVICE_DEAD || next == SERVICE_FAILED) {
        s->timer = event_source_free(s->timer);
        s->watchdog_timer = event_source_free(s->watchdog_timer);
    }

    new = unit_active_state(u);
    unit_notify_state(u, old, new, s->reload_result != RESULT_SUCCESS);
    unit_changed(u);
}

void service_resume(struct service *s, enum service_state state)
{
    usec_t deadline = s->deadline;

    s->deadline = USEC_INFINITY;
    s->state = state;
    if (service_states[state].deadline != DEADLINE_NONE)
        set_deadline(s, deadline);
    arm_watchdog(s);
    service_health_start(s);
    if ((service_states[state].owns & OWNS_PID_FILE) && service_config(s)->pid_file &&
        s->main.pid == 0 && service_demand_pid_file(s) >= 0 && s->main.pid != 0)
        (void) service_handle(s, EV_PID_FILE, RESULT_SUCCESS); /* written in between */
}

/* ---- what the states do ---- */

/* Auto-restart: a start job for it, and restarts for what depends on it, unless that is not to
 * notice (RestartMode=direct). */
static int queue_restart(struct service *s)
{
    bool direct = service_config(s)->restart_mode == RESTART_MODE_DIRECT;
    enum job_mode mode = direct ? JOB_MODE_REPLACE : JOB_MODE_RESTART_DEPENDENCIES;
    struct unit *u = UNIT(s);
    auto_op_error struct op_error e = { 0 };
    char count[16];

    int r = manager_add_job(u->manager, JOB_START, u, mode, NULL, &e);
    if (r < 0) {
        unit_log_text(u, LOG_WARNING, "Failed to schedule restart job: %s",
                      e.message ? e.message : strerror(-r));
        return r;
    }
    /* RestartMode=direct: the start job was never over. */
    if (u->job && u->job->state == JOB_RUNNING)
        job_requeue(u->job);
    s->n_restarts++;
    s->flush_restarts = false;
    snprintf(count, sizeof count, "%u", s->n_restarts);
    unit_log(u, MSG_UNIT_RESTART_SCHEDULED, 0, "N_RESTARTS", count, NULL);
    return 1;
}

static int start_reload(struct service *s)
{
    const struct service_config *c = service_config(s);

    s->reload_result = RESULT_SUCCESS;
    s->reload_signalled = s->reload_answered = false;
    if (c->type == SERVICE_TYPE_NOTIFY_RELOAD && s->main.pid > 0) {
        s->reload_begin = now_usec(CLOCK_MONOTONIC);
        int r = service_signal_process(s->main.pid, c->reload_signal);
        if (r < 0) {
            unit_log_text(UNIT(s), LOG_WARNING, "Failed to send reload signal: %s", strerror(-r));
            return r;
        }
        s->reload_signalled = true;
    }
    return service_run(s, SPAWN_RELOAD, 0);
}

static int start_cleaning(struct service *s)
{
    struct unit *u = UNIT(s);
    pid_t pid = 0;
    unsigned mask = s->control_index; /* set by service_clean() */

    if (mask & SPAWN_CLEAN_FDSTORE)
        service_release_fds(s);
    mask &= ~(unsigned) SPAWN_CLEAN_FDSTORE;
    s->clean_result = RESULT_SUCCESS;
    if (mask == 0)
        return 0;

    int r = unit_start_cleaner(u, NULL, mask, &pid);
    if (r < 0) {
        unit_log_text(u, LOG_WARNING, "Failed to initiate unit cleaning: %s", strerror(-r));
        s->clean_result = RESULT_RESOURCES;
        return r;
    }
    s->control = (struct service_child){ .pid = pid, .report_fd = -1 };
    return 1;
}

/* Removes what the invocation leaves behind before it is said to have ended, so that a start that
 * follows cannot meet the removal. 1 if a child does it. */
static int start_clean_up(struct service *s, bool restarts)
{
    struct unit *u = UNIT(s);
    unsigned what = unit_clean_needed(u, s->runtime, begins_again(s, restarts));

    if (what == 0)
        return 0;
    int r = unit_start_cleaner(u, s->runtime, what, &s->cleaner);
    if (r < 0) {
        unit_log_text(u, LOG_WARNING, "Cannot remove the unit's runtime directories: %s",
                      strerror(-r));
        return 0;
    }
    set_deadline(s, usec_add(now_usec(CLOCK_MONOTONIC), CLEAN_UP_TIMEOUT));
    return 1;
}

/* What systemd finds out before it forks is found out by the child: then it decides. */
static bool is_up_at_once(const struct service *s)
{
    enum service_type type = service_config(s)->type;

    return (type == SERVICE_TYPE_SIMPLE || type == SERVICE_TYPE_IDLE) &&
           !spawn_waits(s->unit.config, SPAWN_START);
}

/* What entering the state does: 1 if there is something to wait for, 0 if not, negative errno. */
static int perform(struct service *s, enum service_state next, bool quiet)
{
    const struct service_state_info *info = &service_states[next];

    if (info->signal != SIGNAL_NONE)
        return quiet ? 1 : service_send_signal(s, info->signal);
    if (next == SERVICE_RELOAD)
        return start_reload(s);
    if (next == SERVICE_AUTO_RESTART_QUEUED)
        return queue_restart(s);
    if (next == SERVICE_CLEANING)
        return start_cleaning(s);
    if (next == SERVICE_START) {
        int r = service_run(s, SPAWN_START, 0);

        return r > 0 && is_up_at_once(s) ? 0 : r;
    }
    return info->phase == NO_PHASE ? 1 : service_run(s, info->phase, 0);
}

/* ---- messages of timeouts ---- */

static const char *timeout_answer(enum service_state next)
{
    switch ((int) next) {
    case SERVICE_STOP_SIGTERM:
    case SERVICE_FINAL_SIGTERM:
        return "Terminating.";
    case SERVICE_STOP_WATCHDOG:
    case SERVICE_FINAL_WATCHDOG:
        return "Aborting.";
    case SERVICE_STOP_SIGKILL:
    case SERVICE_FINAL_SIGKILL:
        return "Killing.";
    case SERVICE_STOP_POST:
        return "Skipping SIGKILL.";
    default:
        return "Skipping SIGKILL. Entering failed mode.";
    }
}

static void say_timeout(struct service *s, enum service_state next)
{
    struct unit *u = UNIT(s);
    const char *name = service_states[s->state].name, *answer = timeout_answer(next);

    switch ((enum service_state) s->state) {
    case SERVICE_CONDITION:
    case SERVICE_START_PRE:
    case SERVICE_START:
    case SERVICE_START_POST:
        unit_log_text(u, LOG_WARNING, "%s operation timed out. %s", name, answer);
        break;
    case SERVICE_RUNNING:
        unit_log_text(u, LOG_WARNING, "Service reached runtime time limit. Stopping.");
        break;
    case SERVICE_RELOAD:
    case SERVICE_RELOAD_SIGNAL:
    case SERVICE_RELOAD_NOTIFY:
        unit_log_text(u, LOG_WARNING, "Reload operation timed out. Killing reload process.");
        break;
    case SERVICE_STOP:
        unit_log_text(u, LOG_WARNING, "Stopping timed out. %s", answer);
        break;
    case SERVICE_STOP_WATCHDOG:
    case SERVICE_STOP_SIGTERM:
    case SERVICE_STOP_POST:
    case SERVICE_FINAL_WATCHDOG:
    case SERVICE_FINAL_SIGTERM:
        unit_log_text(u, LOG_WARNING, "State '%s' timed out. %s", name, answer);
        break;
    case SERVICE_STOP_SIGKILL:
        unit_log_text(u, LOG_WARNING, "Processes still around after SIGKILL. Ignoring.");
        break;
    case SERVICE_FINAL_SIGKILL:
        unit_log_text(u, LOG_WARNING,
                      "Processes still around after final SIGKILL. Entering failed mode.");
        break;
    case SERVICE_CLEANING:
        unit_log_text(u, LOG_WARNING, "Cleaning timed out. killing.");
        s->clean_result = s->clean_result == RESULT_SUCCESS ? RESULT_TIMEOUT : s->clean_result;
        break;
    case SERVICE_DEAD:
    case SERVICE_EXITED:
    case SERVICE_FAILED:
    case SERVICE_DEAD_BEFORE_AUTO_RESTART:
    case SERVICE_FAILED_BEFORE_AUTO_RESTART:
    case SERVICE_DEAD_RESOURCES_PINNED:
    case SERVICE_AUTO_RESTART:
    case SERVICE_AUTO_RESTART_QUEUED:
    case SERVICE_STATE_MAX:
        break;
    }
}

/* ---- the engine ---- */

/* One decision at state `at`, and what follows from it but the state. Returns whether it leads to
 * another state, which is in *ret. */
static bool decide(struct service *s, enum service_state at, enum service_event ev,
                   enum service_result f, struct step *ret)
{
    struct service_view v;

    service_view_of(s, &v);
    v.state = at;
    *ret = service_decide(&v, ev, f);
    if (ret->verdict == STEP_REFUSE)
        return false;

    if (ev == EV_TIMEOUT && ret->verdict == STEP_ENTER)
        say_timeout(s, ret->next);
    s->result = ret->result;
    if (ret->reload_ended)
        s->reload_result = ret->reload_result;
    if (ret->kill_control)
        service_kill_control(s);
    return ret->verdict == STEP_ENTER;
}

/* What is said before the first process of a phase of a start says anything: what is in its way,
 * and, where the service will be starting for a while, that it is. */
static void say_start(struct service *s, enum service_state next)
{
    if (next != SERVICE_CONDITION && next != SERVICE_START_PRE && next != SERVICE_START)
        return;
    bool runs = service_commands(s, service_states[next].phase);
    if (runs || next == SERVICE_START)
        unit_tell_leftovers(UNIT(s), true);
    if (runs && (next != SERVICE_START || !is_up_at_once(s)))
        unit_message_start_begins(UNIT(s));
}

/* Goes on from state `at` until there is something to wait for. */
static int go_on(struct service *s, enum service_state at, enum service_event ev,
                 enum service_result f)
{
    struct step step;

    while (decide(s, at, ev, f, &step)) {
        enum service_state next = step.next;
        bool restarts = service_state_passes(next) || next == SERVICE_AUTO_RESTART;
        bool ends = is_end(next) && (s->live || ev == EV_REFUSED || ev == EV_FAILED);

        if (ends && s->live && !s->cleaned && start_clean_up(s, restarts) > 0) {
            s->cleaning_up = true;
            s->end_state = at;
            s->end_event = ev;
            return 0;
        }
        if (ends)
            conclude(s, restarts);
        say_start(s, next);
        int r = perform(s, next, step.quiet);
        if (r > 0)
            service_enter(s, next);
        if (r > 0 && !service_state_passes(next))
            return 0;
        at = next;
        ev = r < 0 ? EV_FAILED : EV_DONE;
        f = RESULT_SUCCESS;
    }
    return step.verdict == STEP_REFUSE ? step.error : 0;
}

int service_handle(struct service *s, enum service_event ev, enum service_result f)
{
    if (s->cleaning_up) /* the end was decided; it is told as soon as all is removed */
        return ev == EV_START || ev == EV_RELOAD || ev == EV_CLEAN ? -EAGAIN : 0;
    return go_on(s, s->state, ev, f);
}

void service_cleaned_up(struct service *s)
{
    if (!s->cleaning_up)
        return;
    if (s->cleaner > 0)
        unit_unwatch_pid(UNIT(s), s->cleaner);
    s->cleaner = 0;
    s->cleaning_up = false;
    s->cleaned = true;
    (void) go_on(s, s->end_state, s->end_event, RESULT_SUCCESS);
}

/* ---- operations of the unit ---- */

static void service_init(struct unit *u)
{
    struct service *s = SERVICE(u);

    s->main.report_fd = s->control.report_fd = s->pid_file_fd = s->idle_fd = -1;
    s->access_override = -1;
    s->control_phase = s->failed_phase = NO_PHASE;
    s->watchdog_override = USEC_UNSET;
    s->deadline = USEC_INFINITY;
}

static void service_done(struct unit *u)
{
    struct service *s = SERVICE(u);

    service_child_done(&s->main);
    service_child_done(&s->control);
    service_forget_pid_file(s);
    service_health_stop(s);
    service_notify_free(s);
    service_release_fds(s);
    service_restored_free(s);
    socket_connection_free(s->connection);
    service_end_idle(s);
    service_forget_ran(s);
    s->runtime = spawn_runtime_unref(s->runtime);
    s->timer = event_source_free(s->timer);
    s->watchdog_timer = event_source_free(s->watchdog_timer);
    free(s->status_text);
    free(s->bus_error);
    free(s->varlink_error);
    free(s->failed_object);
    free(s->failed_directive);
}

/* A new invocation: nothing of the last one is left. */
static void begin(struct service *s)
{
    struct unit *u = UNIT(s);
    usec_t extra = service_config(s)->runtime_randomized_extra_sec;
    uint64_t random = 0;

    unit_new_invocation(u);
    if (s->flush_restarts) {
        s->n_restarts = 0;
        s->flush_restarts = false;
        unit_end_series(u);
    }
    s->result = s->reload_result = RESULT_SUCCESS;
    s->main_known = s->forbid_restart = s->cleaned = false;
    s->reload_signalled = s->reload_answered = false;
    s->live = true;
    s->main_exec = s->control_exec = (struct service_exec){ 0 };
    s->main_index = s->control_index = s->failed_index = 0;
    s->failed_phase = NO_PHASE;
    service_forget_ran(s);
    s->failed_step = s->failed_error = 0;
    s->failed_object = (free(s->failed_object), NULL);
    s->failed_directive = (free(s->failed_directive), NULL);
    s->watchdog_override = USEC_UNSET;
    s->watchdog_time = (struct dual_time){ 0 };
    s->oom_kills = 0;
    service_notify_reset(s);
    if (extra > 0 && extra != USEC_INFINITY && getrandom(&random, sizeof random, GRND_NONBLOCK) > 0)
        random %= extra;
    s->random_extra = extra == USEC_INFINITY ? 0 : (usec_t) random;
}

static int service_start(struct unit *u)
{
    struct service *s = SERVICE(u);
    struct service_view v;

    if (s->cleaning_up)
        return -EAGAIN;
    service_view_of(s, &v);
    struct step step = service_decide(&v, EV_START, RESULT_SUCCESS);
    if (step.verdict == STEP_REFUSE)
        return step.error;
    if (step.next == SERVICE_CONDITION)
        begin(s);
    return service_handle(s, EV_START, RESULT_SUCCESS);
}

static int service_stop(struct unit *u)
{
    struct service *s = SERVICE(u);

    s->forbid_restart = true;
    return service_handle(s, EV_STOP, RESULT_SUCCESS);
}

static int service_reload(struct unit *u)
{
    return service_handle(SERVICE(u), EV_RELOAD, RESULT_SUCCESS);
}

static bool service_can_reload(const struct unit *u)
{
    const struct service_config *c = u->config->service;

    return c->exec_reload || c->type == SERVICE_TYPE_NOTIFY_RELOAD;
}

static int service_can_start(struct unit *u)
{
    int r = unit_check_start_limit(u);

    if (r < 0) {
        (void) service_handle(SERVICE(u), EV_REFUSED, RESULT_START_LIMIT_HIT);
        return r;
    }
    return 1;
}

static enum active_state service_get_active_state(const struct unit *u)
{
    return service_active_state(SERVICE(u)->state,
                                u->config ? u->config->service->type : SERVICE_TYPE_SIMPLE);
}

static const char *service_sub_state(const struct unit *u)
{
    return service_states[SERVICE(u)->state].name;
}

static bool service_will_restart(const struct unit *u)
{
    enum service_state state = SERVICE(u)->state;

    return service_state_passes(state) || state == SERVICE_AUTO_RESTART ||
           state == SERVICE_AUTO_RESTART_QUEUED;
}

static void service_child_ended(struct unit *u, pid_t pid)
{
    struct service *s = SERVICE(u);

    if (s->main.pid == pid)
        s->main.alien = false; /* we could not have waited for it else */
}

static void service_processes_gone(struct unit *u)
{
    service_judge_alien(SERVICE(u));
    (void) service_handle(SERVICE(u), EV_EMPTY, RESULT_SUCCESS);
}

static pid_t service_main_pid(const struct unit *u)
{
    return SERVICE(u)->main.pid;
}

static pid_t service_control_pid(const struct unit *u)
{
    return SERVICE(u)->control.pid;
}

static void service_reset_failed(struct unit *u)
{
    struct service *s = SERVICE(u);

    (void) service_handle(s, EV_RESET_FAILED, RESULT_SUCCESS);
    s->reload_result = s->clean_result = RESULT_SUCCESS;
    s->n_restarts = 0;
    s->flush_restarts = false;
    unit_changed(u);
}

static int service_can_clean(const struct unit *u, unsigned *ret_mask)
{
    const struct exec_config *c = u->config->exec;
    unsigned mask = 0;

    if (c->runtime_directory)
        mask |= SPAWN_CLEAN_RUNTIME;
    if (c->state_directory)
        mask |= SPAWN_CLEAN_STATE;
    if (c->cache_directory)
        mask |= SPAWN_CLEAN_CACHE;
    if (c->logs_directory)
        mask |= SPAWN_CLEAN_LOGS;
    if (c->configuration_directory)
        mask |= SPAWN_CLEAN_CONFIGURATION;
    if (SERVICE(u)->n_fds > 0 || u->config->service->file_descriptor_store_max > 0)
        mask |= SPAWN_CLEAN_FDSTORE;
    *ret_mask = mask;
    return 0;
}

static int service_clean(struct unit *u, unsigned mask)
{
    struct service *s = SERVICE(u);

    if (s->state != SERVICE_DEAD && s->state != SERVICE_DEAD_RESOURCES_PINNED)
        return -EBUSY;
    s->control_index = (uint16_t) mask;
    return service_handle(s, EV_CLEAN, RESULT_SUCCESS);
}

static usec_t service_timeout(const struct unit *u)
{
    return SERVICE(u)->deadline;
}

static int service_exit_status(const struct unit *u)
{
    const struct service_exec *e = &SERVICE(u)->main_exec;

    if (e->pid <= 0 || e->exit.monotonic == 0)
        return -ENODATA;
    return e->code == CLD_EXITED ? e->status : -EBADE;
}

static const char *service_status_text(const struct unit *u)
{
    return SERVICE(u)->status_text;
}

static const char *service_get_result(const struct unit *u)
{
    return service_result_name(SERVICE(u)->result);
}

static bool service_starts_finish(const struct unit *u)
{
    return u->config->service->type == SERVICE_TYPE_ONESHOT;
}

static bool service_keeps(const struct unit *u)
{
    return SERVICE(u)->n_fds > 0;
}

/* daemon-reload: a watchdog that was set anew counts from the last sign of life. */
static void service_reloaded(struct unit *u)
{
    struct service *s = SERVICE(u);

    arm_watchdog(s);
    service_health_reloaded(s);
    if (s->state == SERVICE_RUNNING)
        set_deadline(s, running_until(s));
}

const struct unit_ops service_ops = {
    .object_size = sizeof(struct service),
    .can_transient = true,
    .has_processes = true,
    .init = service_init,
    .done = service_done,
    .load = service_load,
    .coldplug = service_coldplug,
    .reloaded = service_reloaded,
    .start = service_start,
    .stop = service_stop,
    .reload = service_reload,
    .can_reload = service_can_reload,
    .can_start = service_can_start,
    .active_state = service_get_active_state,
    .sub_state = service_sub_state,
    .will_restart = service_will_restart,
    .child_exited = service_child_exited,
    .drain_notify = service_drain_notify,
    .child_ended = service_child_ended,
    .processes_gone = service_processes_gone,
    .main_pid = service_main_pid,
    .control_pid = service_control_pid,
    .reset_failed = service_reset_failed,
    .clean = service_clean,
    .can_clean = service_can_clean,
    .timeout = service_timeout,
    .exit_status = service_exit_status,
    .status_text = service_status_text,
    .result = service_get_result,
    .save = service_save,
    .restore = service_restore,
    .starts_finish = service_starts_finish,
    .keeps = service_keeps,
    .properties = service_properties,
};
