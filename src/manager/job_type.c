/* What becomes of two jobs for one unit: the tables of org.freedesktop.systemd1's job engine, as
 * systemctl(1) describes the types. */
#include <errno.h>

#include "manager/private.h"

static const char *const type_names[JOB_TYPE_MAX] = {
    [JOB_START] = "start",
    [JOB_VERIFY_ACTIVE] = "verify-active",
    [JOB_STOP] = "stop",
    [JOB_RELOAD] = "reload",
    [JOB_RESTART] = "restart",
    [JOB_NOP] = "nop",
    [JOB_TRY_RESTART] = "try-restart",
    [JOB_TRY_RELOAD] = "try-reload",
    [JOB_RELOAD_OR_START] = "reload-or-start",
};

static const char *const state_names[JOB_STATE_MAX] = {
    [JOB_WAITING] = "waiting",
    [JOB_RUNNING] = "running",
};

static const char *const result_names[JOB_RESULT_MAX] = {
    [JOB_DONE] = "done",
    [JOB_CANCELED] = "canceled",
    [JOB_TIMEOUT] = "timeout",
    [JOB_FAILED] = "failed",
    [JOB_DEPENDENCY] = "dependency",
    [JOB_SKIPPED] = "skipped",
    [JOB_INVALID] = "invalid",
    [JOB_ASSERT] = "assert",
    [JOB_UNSUPPORTED] = "unsupported",
    [JOB_COLLECTED] = "collected",
    [JOB_ONCE] = "once",
    [JOB_FROZEN] = "frozen",
    [JOB_CONCURRENCY] = "concurrency",
};

const char *job_type_name(enum job_type t)
{
    return type_names[t];
}

const char *job_state_name(enum job_state s)
{
    return state_names[s];
}

const char *job_result_name(enum job_result r)
{
    return result_names[r];
}

int job_type_from_name(const char *name)
{
    return enum_from_string(type_names, JOB_TYPE_MAX, name);
}

#define NO (-1)

/* Symmetric, by the five types that can be installed. */
static const signed char merged[JOB_NOP][JOB_NOP] = {
    /*                      START,     VERIFY,            STOP,     RELOAD,      RESTART */
    [JOB_START] = { JOB_START, JOB_START, NO, JOB_RELOAD_OR_START, JOB_RESTART },
    [JOB_VERIFY_ACTIVE] = { JOB_START, JOB_VERIFY_ACTIVE, NO, JOB_RELOAD, JOB_RESTART },
    [JOB_STOP] = { NO, NO, JOB_STOP, NO, NO },
    [JOB_RELOAD] = { JOB_RELOAD_OR_START, JOB_RELOAD, NO, JOB_RELOAD, JOB_RESTART },
    [JOB_RESTART] = { JOB_RESTART, JOB_RESTART, NO, JOB_RESTART, JOB_RESTART },
};

int job_type_merge(enum job_type a, enum job_type b, enum job_type *ret)
{
    assert(a < JOB_NOP && b < JOB_NOP);
    if (merged[a][b] == NO)
        return -EEXIST;
    *ret = (enum job_type) merged[a][b];
    return 0;
}

bool job_types_mergeable(enum job_type a, enum job_type b)
{
    return merged[a][b] != NO;
}

enum job_type job_type_collapse(enum job_type t, enum active_state s)
{
    switch (t) {
    case JOB_TRY_RESTART:
        return inactive_or_deactivating(s) ? JOB_NOP : JOB_RESTART;
    case JOB_TRY_RELOAD:
        return inactive_or_deactivating(s) ? JOB_NOP : JOB_RELOAD;
    case JOB_RELOAD_OR_START:
        return inactive_or_deactivating(s) ? JOB_START : JOB_RELOAD;
    case JOB_START:
    case JOB_VERIFY_ACTIVE:
    case JOB_STOP:
    case JOB_RELOAD:
    case JOB_RESTART:
    case JOB_NOP:
    case JOB_TYPE_MAX:
        return t;
    }
    assert_unreachable();
}

int job_type_merge_and_collapse(enum job_type *a, enum job_type b, enum active_state s)
{
    enum job_type t;
    int r = job_type_merge(*a, b, &t);

    if (r < 0)
        return r;
    *a = job_type_collapse(t, s);
    return 0;
}

bool job_type_is_superset(enum job_type a, enum job_type b)
{
    return a < JOB_NOP && b < JOB_NOP && merged[a][b] == (signed char) a;
}

bool job_type_is_redundant(enum job_type t, enum active_state s)
{
    switch (t) {
    case JOB_START:
    case JOB_VERIFY_ACTIVE:
        return active_or_reloading(s);
    case JOB_STOP:
        return inactive_or_failed(s);
    case JOB_RELOAD:
        return s == ACTIVE_RELOADING;
    case JOB_RESTART:
        /* Never: a unit that is active is to be restarted; one that is activating may be so with
         * what it read before that which asks for the restart has changed. */
        return false;
    case JOB_NOP:
        return true;
    case JOB_TRY_RESTART:
    case JOB_TRY_RELOAD:
    case JOB_RELOAD_OR_START:
    case JOB_TYPE_MAX:
        break;
    }
    assert_unreachable();
}

bool unit_job_is_applicable(const struct unit *u, enum job_type t)
{
    switch (t) {
    case JOB_START:
    case JOB_VERIFY_ACTIVE:
    case JOB_NOP:
        return true; /* of units that cannot be started it is redundant, or fails by itself */
    case JOB_STOP:
        return !u->perpetual;
    case JOB_RESTART:
    case JOB_TRY_RESTART:
        return unit_can_stop(u) && unit_can_start(u);
    case JOB_RELOAD:
    case JOB_TRY_RELOAD:
        return unit_can_reload(u);
    case JOB_RELOAD_OR_START:
        return unit_can_reload(u) && unit_can_start(u);
    case JOB_TYPE_MAX:
        break;
    }
    assert_unreachable();
}
