#include <errno.h>

#include "manager/service_state.h"

/* The first result that is not success stays. */
static enum service_result merge(const struct service_view *v, enum service_result f)
{
    return v->result == RESULT_SUCCESS ? f : v->result;
}

static struct step stay(const struct service_view *v)
{
    return (struct step){ .verdict = STEP_STAY, .next = v->state, .result = v->result };
}

/* Nothing else happens yet, but how the process ended counts. */
static struct step stay_with(const struct service_view *v, enum service_result f)
{
    return (struct step){ .verdict = STEP_STAY, .next = v->state, .result = merge(v, f) };
}

static struct step go(const struct service_view *v, enum service_state next, enum service_result f)
{
    return (struct step){ .verdict = STEP_ENTER, .next = next, .result = merge(v, f) };
}

static struct step refuse(const struct service_view *v, int error)
{
    return (struct step){
        .verdict = STEP_REFUSE, .next = v->state, .result = v->result, .error = error
    };
}

/* The end: dead or failed, or a restart. */
static struct step end(const struct service_view *v, enum service_result f, bool may_restart)
{
    struct service_view final = *v;
    bool clean;

    final.result = merge(v, f);
    clean = final.result == RESULT_SUCCESS || final.result == RESULT_EXEC_CONDITION;
    may_restart = may_restart && !v->stop_pending;
    if (may_restart && service_wants_restart(&final))
        return go(v,
                  v->restart_direct ? SERVICE_AUTO_RESTART
                  : clean           ? SERVICE_DEAD_BEFORE_AUTO_RESTART
                                    : SERVICE_FAILED_BEFORE_AUTO_RESTART,
                  f);

    struct step step = go(v,
                          !clean      ? SERVICE_FAILED
                          : v->pinned ? SERVICE_DEAD_RESOURCES_PINNED
                                      : SERVICE_DEAD,
                          f);
    step.restart_refused = !may_restart;
    return step;
}

/* Whether there is something that runs. */
static bool is_good(const struct service_view *v)
{
    if (v->main == MAIN_UNKNOWN || (v->main == MAIN_GONE && v->exit_type == EXIT_TYPE_CGROUP))
        return v->populated;
    return v->main == MAIN_ALIVE;
}

/* Started, or a reload is over, or the last process may be gone: to where the service belongs. */
static struct step settle(const struct service_view *v, enum service_result f)
{
    if (merge(v, f) != RESULT_SUCCESS)
        return go(v, SERVICE_STOP_SIGTERM, f);
    if (!is_good(v))
        return go(v, v->remain_after_exit ? SERVICE_EXITED : SERVICE_STOP, f);
    if (v->notify_state == NOTIFY_STATE_RELOADING)
        return go(v, SERVICE_RELOAD_NOTIFY, f);
    if (v->notify_state == NOTIFY_STATE_STOPPING) {
        struct step step = go(v, SERVICE_STOP_SIGTERM, f);
        step.quiet = true;
        return step;
    }
    return v->state == SERVICE_RUNNING ? stay(v) : go(v, SERVICE_RUNNING, f);
}

static struct step settle_reload(const struct service_view *v, enum service_result reload_result)
{
    struct step step = settle(v, RESULT_SUCCESS);

    step.reload_ended = true;
    step.reload_result = reload_result;
    return step;
}

/* SIGKILL, or where that is not wanted, on to what follows the kill. */
static struct step kill_or(const struct service_view *v, enum service_state sigkill,
                           enum service_state skip)
{
    if (v->send_sigkill)
        return go(v, sigkill, RESULT_TIMEOUT);
    return skip == SERVICE_DEAD ? end(v, RESULT_TIMEOUT, false) : go(v, skip, RESULT_TIMEOUT);
}

/* How a timeout ends it, by Timeout*FailureMode=. */
static struct step time_out(const struct service_view *v, enum timeout_failure_mode mode,
                            enum service_state terminate, enum service_state watchdog,
                            enum service_state sigkill, enum service_state skip)
{
    switch (mode) {
    case TIMEOUT_TERMINATE:
        return go(v, terminate, RESULT_TIMEOUT);
    case TIMEOUT_ABORT:
        return go(v, watchdog, RESULT_TIMEOUT);
    case TIMEOUT_KILL:
        return kill_or(v, sigkill, skip);
    case TIMEOUT_FAILURE_MODE_MAX:
        break;
    }
    assert_unreachable();
}

static struct step time_out_stop(const struct service_view *v)
{
    return time_out(v, v->stop_failure_mode, SERVICE_STOP_SIGTERM, SERVICE_STOP_WATCHDOG,
                    SERVICE_STOP_SIGKILL, SERVICE_STOP_POST);
}

static struct step run_out_of_memory(const struct service_view *v, enum service_state stop,
                                     enum service_state sigkill)
{
    switch (v->oom_policy) {
    case OOM_POLICY_CONTINUE:
        return stay(v);
    case OOM_POLICY_STOP:
        return go(v, stop, RESULT_OOM_KILL);
    case OOM_POLICY_KILL:
        return go(v, sigkill, RESULT_OOM_KILL);
    case OOM_POLICY_MAX:
        break;
    }
    assert_unreachable();
}

/* dead, failed, dead-resources-pinned, and auto-restart-queued: where a start begins. */
static struct step decide_resting(const struct service_view *v, enum service_event ev,
                                  enum service_result f)
{
    bool queued = v->state == SERVICE_AUTO_RESTART_QUEUED;

    switch (ev) {
    case EV_START: {
        struct step step = go(v, SERVICE_CONDITION, RESULT_SUCCESS);
        step.result = RESULT_SUCCESS;
        return step;
    }
    case EV_REFUSED:
        return end(v, f, false);
    case EV_STOP:
        if (!queued)
            return refuse(v, -EALREADY);
        return go(v, v->pinned ? SERVICE_DEAD_RESOURCES_PINNED : SERVICE_DEAD, RESULT_SUCCESS);
    case EV_RELOAD:
        return refuse(v, -EBADR);
    case EV_FAILED:
        return queued ? end(v, RESULT_RESOURCES, false) : stay(v);
    case EV_RESET_FAILED: {
        struct step step = stay(v);
        if (v->state == SERVICE_FAILED)
            step = go(v, v->pinned ? SERVICE_DEAD_RESOURCES_PINNED : SERVICE_DEAD, RESULT_SUCCESS);
        step.result = RESULT_SUCCESS;
        return step;
    }
    case EV_CLEAN:
        return v->state == SERVICE_DEAD || v->state == SERVICE_DEAD_RESOURCES_PINNED
                   ? go(v, SERVICE_CLEANING, RESULT_SUCCESS)
                   : refuse(v, -EBUSY);
    case EV_UNPINNED:
        return v->state == SERVICE_DEAD_RESOURCES_PINNED ? go(v, SERVICE_DEAD, RESULT_SUCCESS)
                                                         : stay(v);
    case EV_DONE:
    case EV_EXECED:
    case EV_MAIN_EXIT:
    case EV_CONTROL_EXIT:
    case EV_READY:
    case EV_RELOADING:
    case EV_STOPPING:
    case EV_PID_FILE:
    case EV_EMPTY:
    case EV_OOM:
    case EV_TIMEOUT:
    case EV_WATCHDOG:
    case SERVICE_EVENT_MAX:
        return stay(v);
    }
    assert_unreachable();
}

/* dead-before-auto-restart, failed-before-auto-restart: passed through; auto-restart: waits. */
static struct step decide_restarting(const struct service_view *v, enum service_event ev,
                                     enum service_result f)
{
    bool waits = v->state == SERVICE_AUTO_RESTART;

    switch (ev) {
    case EV_DONE:
        return waits ? stay(v) : go(v, SERVICE_AUTO_RESTART, RESULT_SUCCESS);
    case EV_TIMEOUT:
        /* A stop job that waits ends the restart when it runs. */
        return waits && !v->stop_pending ? go(v, SERVICE_AUTO_RESTART_QUEUED, RESULT_SUCCESS)
                                         : stay(v);
    case EV_START: /* cuts the wait short */
        return waits ? go(v, SERVICE_AUTO_RESTART_QUEUED, RESULT_SUCCESS) : refuse(v, -EAGAIN);
    case EV_REFUSED:
        return end(v, f, false);
    case EV_STOP:
        return go(v, v->pinned ? SERVICE_DEAD_RESOURCES_PINNED : SERVICE_DEAD, RESULT_SUCCESS);
    case EV_RELOAD:
        return refuse(v, -EBADR);
    case EV_CLEAN:
        return refuse(v, -EBUSY);
    case EV_FAILED:
        return end(v, RESULT_RESOURCES, false);
    case EV_EXECED:
    case EV_MAIN_EXIT:
    case EV_CONTROL_EXIT:
    case EV_READY:
    case EV_RELOADING:
    case EV_STOPPING:
    case EV_PID_FILE:
    case EV_EMPTY:
    case EV_OOM:
    case EV_WATCHDOG:
    case EV_RESET_FAILED:
    case EV_UNPINNED:
    case SERVICE_EVENT_MAX:
        return stay(v);
    }
    assert_unreachable();
}

/* The command of Type=forking has returned, or ExecStartPost= of such a service. */
static struct step forked(const struct service_view *v, bool post)
{
    if (v->pid_file && v->main != MAIN_ALIVE && (post || !v->has_start_post)) {
        if (v->pid_file_demanded && v->populated)
            return stay(v);
        return go(v, post ? SERVICE_STOP : SERVICE_STOP_SIGTERM, RESULT_PROTOCOL);
    }
    return post ? settle(v, RESULT_SUCCESS) : go(v, SERVICE_START_POST, RESULT_SUCCESS);
}

static struct step starting_done(const struct service_view *v)
{
    switch ((int) v->state) {
    case SERVICE_CONDITION:
        return go(v, SERVICE_START_PRE, RESULT_SUCCESS);
    case SERVICE_START_PRE:
        return go(v, SERVICE_START, RESULT_SUCCESS);
    case SERVICE_START:
        return go(v, SERVICE_START_POST, RESULT_SUCCESS);
    case SERVICE_START_POST:
        return settle(v, RESULT_SUCCESS);
    }
    assert_unreachable();
}

static struct step starting_control_exit(const struct service_view *v, enum service_result f)
{
    if (f != RESULT_SUCCESS)
        return go(v, SERVICE_STOP_SIGTERM, f);
    if (v->state == SERVICE_START)
        return v->type == SERVICE_TYPE_FORKING ? forked(v, false) : stay(v);
    if (v->state == SERVICE_START_POST)
        return forked(v, true);
    return starting_done(v);
}

static struct step starting_main_exit(const struct service_view *v, enum service_result f)
{
    if (v->state == SERVICE_START_POST)
        return v->control_alive ? stay_with(v, f) : go(v, SERVICE_STOP, f);
    if (v->state != SERVICE_START)
        return stay_with(v, f);

    switch (v->type) {
    case SERVICE_TYPE_ONESHOT:
        return go(v, f == RESULT_SUCCESS ? SERVICE_START_POST : SERVICE_STOP_SIGTERM, f);
    case SERVICE_TYPE_NOTIFY:
    case SERVICE_TYPE_NOTIFY_RELOAD:
        if (f != RESULT_SUCCESS)
            return go(v, SERVICE_STOP_SIGTERM, f);
        /* Somebody else may still say READY=1 for a service that remains. */
        if (!v->remain_after_exit || v->notify_main_only)
            return go(v, SERVICE_STOP_SIGTERM, RESULT_PROTOCOL);
        return stay(v);
    case SERVICE_TYPE_SIMPLE:
    case SERVICE_TYPE_EXEC:
    case SERVICE_TYPE_FORKING:
    case SERVICE_TYPE_DBUS:
    case SERVICE_TYPE_IDLE:
        return settle(v, f);
    case SERVICE_TYPE_MAX:
        break;
    }
    assert_unreachable();
}

static struct step starting_failed(const struct service_view *v)
{
    switch ((int) v->state) {
    case SERVICE_CONDITION:
    case SERVICE_START_PRE:
        return end(v, RESULT_RESOURCES, true);
    case SERVICE_START:
        return go(v, SERVICE_STOP_SIGTERM, RESULT_RESOURCES);
    case SERVICE_START_POST:
        return go(v, SERVICE_STOP, RESULT_RESOURCES);
    }
    assert_unreachable();
}

static struct step starting_empty(const struct service_view *v)
{
    bool start = v->state == SERVICE_START;

    if ((!start && v->state != SERVICE_START_POST) || v->control_alive || v->main == MAIN_ALIVE)
        return stay(v);
    /* A daemon whose main process was never known may still be found: it has until its timeout. */
    if (v->main == MAIN_UNKNOWN)
        return stay(v);
    if (start && (v->type == SERVICE_TYPE_NOTIFY || v->type == SERVICE_TYPE_NOTIFY_RELOAD))
        return go(v, SERVICE_STOP_POST, RESULT_PROTOCOL);
    if (v->pid_file)
        return go(v, start ? SERVICE_STOP_POST : SERVICE_STOP, RESULT_PROTOCOL);
    return stay(v);
}

static bool notifies(const struct service_view *v)
{
    return v->type == SERVICE_TYPE_NOTIFY || v->type == SERVICE_TYPE_NOTIFY_RELOAD;
}

/* condition, start-pre, start, start-post */
static struct step decide_starting(const struct service_view *v, enum service_event ev,
                                   enum service_result f)
{
    bool start = v->state == SERVICE_START;

    switch (ev) {
    case EV_START:
        return refuse(v, 0);
    case EV_STOP:
        return go(v, SERVICE_STOP_SIGTERM, RESULT_SUCCESS);
    case EV_RELOAD:
        return refuse(v, -EBADR);
    case EV_CLEAN:
        return refuse(v, -EBUSY);
    case EV_DONE:
        return starting_done(v);
    case EV_FAILED:
        return starting_failed(v);
    case EV_EXECED:
        /* Type=simple and idle come here only where spawn_waits() (launch/spawn.h) says so. */
        return start && (v->type == SERVICE_TYPE_EXEC || v->type == SERVICE_TYPE_DBUS ||
                         v->type == SERVICE_TYPE_SIMPLE || v->type == SERVICE_TYPE_IDLE)
                   ? go(v, SERVICE_START_POST, RESULT_SUCCESS)
                   : stay(v);
    case EV_READY:
        return start && notifies(v) ? go(v, SERVICE_START_POST, RESULT_SUCCESS) : stay(v);
    case EV_MAIN_EXIT:
        return starting_main_exit(v, f);
    case EV_CONTROL_EXIT:
        return starting_control_exit(v, f);
    case EV_PID_FILE:
        return v->control_alive                 ? stay(v)
               : start                          ? go(v, SERVICE_START_POST, RESULT_SUCCESS)
               : v->state == SERVICE_START_POST ? settle(v, RESULT_SUCCESS)
                                                : stay(v);
    case EV_EMPTY:
        return starting_empty(v);
    case EV_OOM:
        return run_out_of_memory(v, SERVICE_STOP_SIGTERM, SERVICE_FINAL_SIGKILL);
    case EV_TIMEOUT:
        return time_out(v, v->start_failure_mode, SERVICE_STOP_SIGTERM, SERVICE_STOP_WATCHDOG,
                        SERVICE_STOP_SIGKILL, SERVICE_STOP_POST);
    case EV_WATCHDOG:
        return go(v, SERVICE_STOP_WATCHDOG, RESULT_WATCHDOG);
    case EV_REFUSED:
    case EV_RELOADING: /* remembered: settle() looks at it */
    case EV_STOPPING:
    case EV_RESET_FAILED:
    case EV_UNPINNED:
    case SERVICE_EVENT_MAX:
        return stay(v);
    }
    assert_unreachable();
}

/* running, exited */
static struct step decide_running(const struct service_view *v, enum service_event ev,
                                  enum service_result f)
{
    bool exited = v->state == SERVICE_EXITED;

    switch (ev) {
    case EV_START:
        return refuse(v, -EALREADY);
    case EV_STOP:
        return go(v, SERVICE_STOP, RESULT_SUCCESS);
    case EV_RELOAD:
        return go(v, SERVICE_RELOAD, RESULT_SUCCESS);
    case EV_CLEAN:
        return refuse(v, -EBUSY);
    case EV_MAIN_EXIT:
        return exited ? stay(v) : settle(v, f);
    case EV_RELOADING:
        return exited ? stay(v) : go(v, SERVICE_RELOAD_NOTIFY, RESULT_SUCCESS);
    case EV_STOPPING: {
        struct step step = exited ? stay(v) : go(v, SERVICE_STOP_SIGTERM, RESULT_SUCCESS);
        step.quiet = true;
        return step;
    }
    case EV_EMPTY:
        return exited ? stay(v) : settle(v, RESULT_SUCCESS);
    case EV_OOM:
        return run_out_of_memory(v, SERVICE_STOP, SERVICE_STOP_SIGKILL);
    case EV_TIMEOUT:
        return exited ? stay(v) : go(v, SERVICE_STOP, RESULT_TIMEOUT);
    case EV_WATCHDOG:
        return exited ? stay(v) : go(v, SERVICE_STOP_WATCHDOG, RESULT_WATCHDOG);
    case EV_REFUSED:
    case EV_DONE:
    case EV_FAILED:
    case EV_EXECED:
    case EV_CONTROL_EXIT:
    case EV_READY:
    case EV_PID_FILE:
    case EV_RESET_FAILED:
    case EV_UNPINNED:
    case SERVICE_EVENT_MAX:
        return stay(v);
    }
    assert_unreachable();
}

/* reload, reload-signal, reload-notify */
static struct step decide_reloading(const struct service_view *v, enum service_event ev,
                                    enum service_result f)
{
    switch (ev) {
    case EV_START:
        return refuse(v, -EALREADY);
    case EV_STOP:
        return go(v, SERVICE_STOP_SIGTERM, RESULT_SUCCESS);
    case EV_RELOAD:
        return refuse(v, -EAGAIN);
    case EV_CLEAN:
        return refuse(v, -EBUSY);
    case EV_DONE: /* no command to wait for */
        return v->state == SERVICE_RELOAD && v->reload_signalled
                   ? go(v, SERVICE_RELOAD_SIGNAL, RESULT_SUCCESS)
                   : settle_reload(v, RESULT_SUCCESS);
    case EV_FAILED:
        return settle_reload(v, RESULT_RESOURCES);
    case EV_CONTROL_EXIT:
        return settle_reload(v, f);
    case EV_MAIN_EXIT:
        return v->control_alive ? stay_with(v, f) : go(v, SERVICE_STOP, f);
    case EV_READY:
        /* RELOADING=1 and READY=1 in one message: the reload is over before it was seen. */
        if (v->state == SERVICE_RELOAD_NOTIFY ||
            (v->state == SERVICE_RELOAD_SIGNAL && v->reload_answered))
            return settle_reload(v, RESULT_SUCCESS);
        return stay(v);
    case EV_RELOADING:
        return v->state == SERVICE_RELOAD_SIGNAL && v->reload_answered
                   ? go(v, SERVICE_RELOAD_NOTIFY, RESULT_SUCCESS)
                   : stay(v);
    case EV_OOM:
        return run_out_of_memory(v, SERVICE_STOP_SIGTERM, SERVICE_STOP_SIGKILL);
    case EV_TIMEOUT: {
        struct service_view settled = *v;
        settled.notify_state = NOTIFY_STATE_UNKNOWN;
        struct step step = settle_reload(&settled, RESULT_TIMEOUT);
        step.kill_control = v->control_alive;
        return step;
    }
    case EV_WATCHDOG:
        return go(v, SERVICE_STOP_WATCHDOG, RESULT_WATCHDOG);
    case EV_REFUSED:
    case EV_EXECED:
    case EV_STOPPING:
    case EV_PID_FILE:
    case EV_EMPTY:
    case EV_RESET_FAILED:
    case EV_UNPINNED:
    case SERVICE_EVENT_MAX:
        return stay(v);
    }
    assert_unreachable();
}

/* What follows a signal of stop-* that found nobody. */
static struct step stopping_done(const struct service_view *v)
{
    switch ((int) v->state) {
    case SERVICE_STOP:
        return go(v, SERVICE_STOP_SIGTERM, RESULT_SUCCESS);
    case SERVICE_STOP_WATCHDOG:
    case SERVICE_STOP_SIGTERM:
        return go(v, v->send_sigkill ? SERVICE_STOP_SIGKILL : SERVICE_STOP_POST, RESULT_SUCCESS);
    case SERVICE_STOP_SIGKILL:
        return go(v, SERVICE_STOP_POST, RESULT_SUCCESS);
    }
    assert_unreachable();
}

static struct step stopping_timeout(const struct service_view *v)
{
    switch ((int) v->state) {
    case SERVICE_STOP:
        return time_out_stop(v);
    case SERVICE_STOP_WATCHDOG:
        return kill_or(v, SERVICE_STOP_SIGKILL, SERVICE_STOP_POST);
    case SERVICE_STOP_SIGTERM:
        if (v->stop_failure_mode == TIMEOUT_ABORT)
            return go(v, SERVICE_STOP_WATCHDOG, RESULT_TIMEOUT);
        return kill_or(v, SERVICE_STOP_SIGKILL, SERVICE_STOP_POST);
    case SERVICE_STOP_SIGKILL: /* cannot be killed: go on without */
        return go(v, SERVICE_STOP_POST, RESULT_TIMEOUT);
    }
    assert_unreachable();
}

static struct step stopping_oom(const struct service_view *v)
{
    switch ((int) v->state) {
    case SERVICE_STOP:
        return run_out_of_memory(v, SERVICE_STOP_SIGTERM, SERVICE_STOP_SIGKILL);
    case SERVICE_STOP_WATCHDOG:
    case SERVICE_STOP_SIGTERM:
        return v->oom_policy == OOM_POLICY_CONTINUE ? stay(v)
                                                    : go(v, SERVICE_STOP_SIGKILL, RESULT_OOM_KILL);
    case SERVICE_STOP_SIGKILL:
        return v->oom_policy == OOM_POLICY_CONTINUE ? stay(v) : stay_with(v, RESULT_OOM_KILL);
    }
    assert_unreachable();
}

/* stop, stop-watchdog, stop-sigterm, stop-sigkill */
static struct step decide_stopping(const struct service_view *v, enum service_event ev,
                                   enum service_result f)
{
    bool commands = v->state == SERVICE_STOP;

    switch (ev) {
    case EV_START:
        return refuse(v, -EAGAIN);
    case EV_STOP:
        return v->state == SERVICE_STOP_WATCHDOG ? go(v, SERVICE_STOP_SIGTERM, RESULT_SUCCESS)
                                                 : refuse(v, 0);
    case EV_RELOAD:
        return refuse(v, -EBADR);
    case EV_CLEAN:
        return refuse(v, -EBUSY);
    case EV_DONE:
        return stopping_done(v);
    case EV_FAILED:
        return go(v, commands ? SERVICE_STOP_SIGTERM : SERVICE_STOP_POST, RESULT_RESOURCES);
    case EV_MAIN_EXIT:
        if (commands || v->control_alive)
            return stay_with(v, f);
        return go(v, SERVICE_STOP_POST, f);
    case EV_CONTROL_EXIT:
        if (commands)
            return go(v, SERVICE_STOP_SIGTERM, f);
        return v->main == MAIN_ALIVE ? stay_with(v, f) : go(v, SERVICE_STOP_POST, f);
    case EV_EMPTY:
        return commands || v->control_alive || v->main == MAIN_ALIVE
                   ? stay(v)
                   : go(v, SERVICE_STOP_POST, RESULT_SUCCESS);
    case EV_OOM:
        return stopping_oom(v);
    case EV_TIMEOUT:
        return stopping_timeout(v);
    case EV_REFUSED:
    case EV_EXECED:
    case EV_READY:
    case EV_RELOADING:
    case EV_STOPPING:
    case EV_PID_FILE:
    case EV_WATCHDOG:
    case EV_RESET_FAILED:
    case EV_UNPINNED:
    case SERVICE_EVENT_MAX:
        return stay(v);
    }
    assert_unreachable();
}

static struct step final_timeout(const struct service_view *v)
{
    switch ((int) v->state) {
    case SERVICE_STOP_POST:
        return time_out(v, v->stop_failure_mode, SERVICE_FINAL_SIGTERM, SERVICE_FINAL_WATCHDOG,
                        SERVICE_FINAL_SIGKILL, SERVICE_DEAD);
    case SERVICE_FINAL_WATCHDOG:
        return kill_or(v, SERVICE_FINAL_SIGKILL, SERVICE_DEAD);
    case SERVICE_FINAL_SIGTERM:
        if (v->stop_failure_mode == TIMEOUT_ABORT)
            return go(v, SERVICE_FINAL_WATCHDOG, RESULT_TIMEOUT);
        return kill_or(v, SERVICE_FINAL_SIGKILL, SERVICE_DEAD);
    case SERVICE_FINAL_SIGKILL:
        return end(v, RESULT_TIMEOUT, true);
    }
    assert_unreachable();
}

static struct step final_done(const struct service_view *v)
{
    switch ((int) v->state) {
    case SERVICE_STOP_POST:
        return go(v, SERVICE_FINAL_SIGTERM, RESULT_SUCCESS);
    case SERVICE_FINAL_WATCHDOG:
    case SERVICE_FINAL_SIGTERM:
        return v->send_sigkill ? go(v, SERVICE_FINAL_SIGKILL, RESULT_SUCCESS)
                               : end(v, RESULT_SUCCESS, true);
    case SERVICE_FINAL_SIGKILL:
        return end(v, RESULT_SUCCESS, true);
    }
    assert_unreachable();
}

/* stop-post, final-watchdog, final-sigterm, final-sigkill */
static struct step decide_final(const struct service_view *v, enum service_event ev,
                                enum service_result f)
{
    bool commands = v->state == SERVICE_STOP_POST;

    switch (ev) {
    case EV_START:
        return refuse(v, -EAGAIN);
    case EV_STOP:
        return refuse(v, 0);
    case EV_RELOAD:
        return refuse(v, -EBADR);
    case EV_CLEAN:
        return refuse(v, -EBUSY);
    case EV_DONE:
        return final_done(v);
    case EV_FAILED:
        return commands ? go(v, SERVICE_FINAL_SIGTERM, RESULT_RESOURCES)
                        : end(v, RESULT_RESOURCES, true);
    case EV_MAIN_EXIT:
        if (v->control_alive)
            return stay_with(v, f);
        return commands ? go(v, SERVICE_FINAL_SIGTERM, f) : end(v, f, true);
    case EV_CONTROL_EXIT:
        if (commands)
            return go(v, SERVICE_FINAL_SIGTERM, f);
        return v->main == MAIN_ALIVE ? stay_with(v, f) : end(v, f, true);
    case EV_EMPTY:
        return v->control_alive || v->main == MAIN_ALIVE ? stay(v) : end(v, RESULT_SUCCESS, true);
    case EV_OOM:
        if (v->oom_policy == OOM_POLICY_CONTINUE)
            return stay(v);
        return v->state == SERVICE_FINAL_SIGKILL ? stay_with(v, RESULT_OOM_KILL)
                                                 : go(v, SERVICE_FINAL_SIGKILL, RESULT_OOM_KILL);
    case EV_TIMEOUT:
        return final_timeout(v);
    case EV_REFUSED:
    case EV_EXECED:
    case EV_READY:
    case EV_RELOADING:
    case EV_STOPPING:
    case EV_PID_FILE:
    case EV_WATCHDOG:
    case EV_RESET_FAILED:
    case EV_UNPINNED:
    case SERVICE_EVENT_MAX:
        return stay(v);
    }
    assert_unreachable();
}

/* cleaning */
static struct step decide_cleaning(const struct service_view *v, enum service_event ev,
                                   enum service_result f)
{
    switch (ev) {
    case EV_START:
        return refuse(v, -EAGAIN);
    case EV_STOP:
        return go(v, SERVICE_FINAL_SIGKILL, RESULT_SUCCESS);
    case EV_RELOAD:
        return refuse(v, -EBADR);
    case EV_CLEAN:
        return refuse(v, -EBUSY);
    case EV_DONE:
    case EV_FAILED:
    case EV_CONTROL_EXIT:
        return end(v, RESULT_SUCCESS, false);
    case EV_EMPTY:
        return v->control_alive ? stay(v) : end(v, RESULT_SUCCESS, false);
    case EV_TIMEOUT:
        return go(v, SERVICE_FINAL_SIGKILL, RESULT_SUCCESS);
    case EV_REFUSED:
    case EV_EXECED:
    case EV_MAIN_EXIT:
    case EV_READY:
    case EV_RELOADING:
    case EV_STOPPING:
    case EV_PID_FILE:
    case EV_OOM:
    case EV_WATCHDOG:
    case EV_RESET_FAILED:
    case EV_UNPINNED:
    case SERVICE_EVENT_MAX:
        return stay(v);
    }
    assert_unreachable();
}

struct step service_decide(const struct service_view *v, enum service_event ev,
                           enum service_result f)
{
    /* ExitType=cgroup: only the last process counts. */
    if (ev == EV_MAIN_EXIT && v->exit_type == EXIT_TYPE_CGROUP && v->populated)
        return stay_with(v, f);

    switch (v->state) {
    case SERVICE_DEAD:
    case SERVICE_FAILED:
    case SERVICE_DEAD_RESOURCES_PINNED:
    case SERVICE_AUTO_RESTART_QUEUED:
        return decide_resting(v, ev, f);
    case SERVICE_DEAD_BEFORE_AUTO_RESTART:
    case SERVICE_FAILED_BEFORE_AUTO_RESTART:
    case SERVICE_AUTO_RESTART:
        return decide_restarting(v, ev, f);
    case SERVICE_CONDITION:
    case SERVICE_START_PRE:
    case SERVICE_START:
    case SERVICE_START_POST:
        return decide_starting(v, ev, f);
    case SERVICE_RUNNING:
    case SERVICE_EXITED:
        return decide_running(v, ev, f);
    case SERVICE_RELOAD:
    case SERVICE_RELOAD_SIGNAL:
    case SERVICE_RELOAD_NOTIFY:
        return decide_reloading(v, ev, f);
    case SERVICE_STOP:
    case SERVICE_STOP_WATCHDOG:
    case SERVICE_STOP_SIGTERM:
    case SERVICE_STOP_SIGKILL:
        return decide_stopping(v, ev, f);
    case SERVICE_STOP_POST:
    case SERVICE_FINAL_WATCHDOG:
    case SERVICE_FINAL_SIGTERM:
    case SERVICE_FINAL_SIGKILL:
        return decide_final(v, ev, f);
    case SERVICE_CLEANING:
        return decide_cleaning(v, ev, f);
    case SERVICE_STATE_MAX:
        break;
    }
    assert_unreachable();
}
