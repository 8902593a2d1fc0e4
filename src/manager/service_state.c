#include "manager/service_state.h"

#include <errno.h>

#include "base/str.h"

#define PROCESSES (OWNS_MAIN | OWNS_CONTROL | OWNS_TIMER | OWNS_RUNTIME)
#define ALIVE (PROCESSES | OWNS_WATCHDOG | OWNS_HEALTH)
#define STARTS (ALIVE | OWNS_PID_FILE)
#define RUNS (OWNS_MAIN | OWNS_TIMER | OWNS_WATCHDOG | OWNS_RUNTIME | OWNS_HEALTH)
#define RESTS 0

#define STATE(id, name_, active_, owns_, phase_, signal_, deadline_) \
    [SERVICE_##id] = { \
        .name = (name_), \
        .active = ACTIVE_##active_, \
        .owns = (owns_), \
        .phase = (phase_), \
        .signal = SIGNAL_##signal_, \
        .deadline = DEADLINE_##deadline_, \
    },

/* clang-format off */
const struct service_state_info service_states[] = {
    STATE(DEAD,           "dead",           INACTIVE,     RESTS,     NO_PHASE,         NONE,      NONE)
    STATE(CONDITION,      "condition",      ACTIVATING,   PROCESSES, SPAWN_CONDITION,  NONE,      START)
    STATE(START_PRE,      "start-pre",      ACTIVATING,   PROCESSES, SPAWN_START_PRE,  NONE,      START)
    STATE(START,          "start",          ACTIVATING,   STARTS,    SPAWN_START,      NONE,      START)
    STATE(START_POST,     "start-post",     ACTIVATING,   STARTS,    SPAWN_START_POST, NONE,      START)
    STATE(RUNNING,        "running",        ACTIVE,       RUNS,      NO_PHASE,         NONE,      RUN)
    STATE(EXITED,         "exited",         ACTIVE,       OWNS_RUNTIME, NO_PHASE,      NONE,      NONE)
    STATE(RELOAD,         "reload",         RELOADING,    ALIVE,     SPAWN_RELOAD,     NONE,      START)
    STATE(RELOAD_SIGNAL,  "reload-signal",  RELOADING,    ALIVE,     NO_PHASE,         NONE,      START)
    STATE(RELOAD_NOTIFY,  "reload-notify",  RELOADING,    ALIVE,     NO_PHASE,         NONE,      START)
    STATE(STOP,           "stop",           DEACTIVATING, PROCESSES, SPAWN_STOP,       NONE,      STOP)
    STATE(STOP_WATCHDOG,  "stop-watchdog",  DEACTIVATING, PROCESSES, NO_PHASE,         WATCHDOG,  ABORT)
    STATE(STOP_SIGTERM,   "stop-sigterm",   DEACTIVATING, PROCESSES, NO_PHASE,         TERMINATE, STOP)
    STATE(STOP_SIGKILL,   "stop-sigkill",   DEACTIVATING, PROCESSES, NO_PHASE,         KILL,      STOP)
    STATE(STOP_POST,      "stop-post",      DEACTIVATING, PROCESSES, SPAWN_STOP_POST,  NONE,      STOP)
    STATE(FINAL_WATCHDOG, "final-watchdog", DEACTIVATING, PROCESSES, NO_PHASE,         WATCHDOG,  ABORT)
    STATE(FINAL_SIGTERM,  "final-sigterm",  DEACTIVATING, PROCESSES, NO_PHASE,         TERMINATE, STOP)
    STATE(FINAL_SIGKILL,  "final-sigkill",  DEACTIVATING, PROCESSES, NO_PHASE,         KILL,      STOP)
    STATE(FAILED,         "failed",         FAILED,       RESTS,     NO_PHASE,         NONE,      NONE)
    STATE(DEAD_BEFORE_AUTO_RESTART,
                          "dead-before-auto-restart",
                                            INACTIVE,     RESTS,     NO_PHASE,         NONE,      NONE)
    STATE(FAILED_BEFORE_AUTO_RESTART,
                          "failed-before-auto-restart",
                                            FAILED,       RESTS,     NO_PHASE,         NONE,      NONE)
    STATE(DEAD_RESOURCES_PINNED,
                          "dead-resources-pinned",
                                            INACTIVE,     RESTS,     NO_PHASE,         NONE,      NONE)
    STATE(AUTO_RESTART,   "auto-restart",   ACTIVATING,   OWNS_TIMER, NO_PHASE,        NONE,      RESTART)
    STATE(AUTO_RESTART_QUEUED,
                          "auto-restart-queued",
                                            ACTIVATING,   RESTS,     NO_PHASE,         NONE,      NONE)
    STATE(CLEANING,       "cleaning",       MAINTENANCE,  OWNS_CONTROL | OWNS_TIMER, NO_PHASE, NONE, CLEAN)
};
/* clang-format on */

enum active_state service_active_state(enum service_state s, enum service_type type)
{
    bool starting = s >= SERVICE_CONDITION && s <= SERVICE_START_POST;

    return type == SERVICE_TYPE_IDLE && starting ? ACTIVE_ACTIVE : service_states[s].active;
}

static const char *const result_names[] = {
    [RESULT_SUCCESS] = "success",
    [RESULT_RESOURCES] = "resources",
    [RESULT_PROTOCOL] = "protocol",
    [RESULT_TIMEOUT] = "timeout",
    [RESULT_EXIT_CODE] = "exit-code",
    [RESULT_SIGNAL] = "signal",
    [RESULT_CORE_DUMP] = "core-dump",
    [RESULT_WATCHDOG] = "watchdog",
    [RESULT_START_LIMIT_HIT] = "start-limit-hit",
    [RESULT_OOM_KILL] = "oom-kill",
    [RESULT_EXEC_CONDITION] = "exec-condition",
};
static_assert(ELEMENTSOF(result_names) == SERVICE_RESULT_MAX, "a name for every result");

static const char *const event_names[] = {
    [EV_START] = "start",       [EV_STOP] = "stop",           [EV_RELOAD] = "reload",
    [EV_REFUSED] = "refused",   [EV_DONE] = "done",           [EV_FAILED] = "failed",
    [EV_EXECED] = "execed",     [EV_MAIN_EXIT] = "main-exit", [EV_CONTROL_EXIT] = "control-exit",
    [EV_READY] = "ready",       [EV_RELOADING] = "reloading", [EV_STOPPING] = "stopping",
    [EV_PID_FILE] = "pid-file", [EV_EMPTY] = "empty",         [EV_OOM] = "oom",
    [EV_TIMEOUT] = "timeout",   [EV_WATCHDOG] = "watchdog",   [EV_RESET_FAILED] = "reset-failed",
    [EV_CLEAN] = "clean",       [EV_UNPINNED] = "unpinned",
};
static_assert(ELEMENTSOF(event_names) == SERVICE_EVENT_MAX, "a name for every event");

const char *service_result_name(enum service_result r)
{
    return result_names[r];
}

const char *service_event_name(enum service_event e)
{
    return event_names[e];
}

int service_result_from_name(const char *name)
{
    for (int r = 0; r < SERVICE_RESULT_MAX; r++)
        if (streq(name, result_names[r]))
            return r;
    return -EINVAL;
}

int service_state_from_name(const char *name)
{
    for (int s = 0; s < SERVICE_STATE_MAX; s++)
        if (streq(name, service_states[s].name))
            return s;
    return -EINVAL;
}
