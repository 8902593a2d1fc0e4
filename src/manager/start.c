/* What a job does with its unit: the checks that are the same for all types. */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/rate_limit.h"
#include "base/str.h"
#include "manager/private.h"
#include "manager/transaction.h"
#include "unit/condition.h"
#include "unit/config.h"

static bool evaluate(struct unit *u, bool asserts, char **failed)
{
    struct manager *m = u->manager;
    struct condition_context ctx = {
        .root = m->root,
        .environ = m->environment,
        .user = m->user,
        .first_boot = m->first_boot,
    };
    const struct condition *which = NULL;

    free(*failed);
    *failed = NULL;
    /* The results are kept in the list, which is the unit's own or the shared empty one. */
    struct condition *list = (struct condition *) u->config->unit->conditions;
    if (!list || conditions_evaluate(list, asserts, &ctx, &which) > 0)
        return true;
    *failed = which ? condition_format(which) : NULL;
    return false;
}

static bool test_conditions(struct unit *u)
{
    bool met = evaluate(u, false, &u->condition_failed);

    u->condition_time = dual_now();
    u->condition_result = met ? TRIED_TRUE : TRIED_FALSE;
    unit_changed(u);
    return met;
}

static bool test_asserts(struct unit *u)
{
    bool met = evaluate(u, true, &u->assert_failed);

    u->assert_time = dual_now();
    u->assert_result = met ? TRIED_TRUE : TRIED_FALSE;
    unit_changed(u);
    return met;
}

/* BindsTo= with After=: the other has to be up by now, the order has seen to that. */
static bool bound_units_are_active(struct unit *u)
{
    struct unit *other;

    UNIT_FOREACH_KIND(other, u, DEP_BIT(DEP_BINDS_TO))
    {
        if (!dependency_has(u, DEP_BIT(DEP_AFTER), other))
            continue;
        if (!active_or_reloading(unit_active_state(other))) {
            unit_log_text(u, LOG_NOTICE, "Bound to unit %s, but unit isn't active.", other->id);
            return false;
        }
    }
    return true;
}

int unit_start(struct unit *u)
{
    enum active_state s = unit_active_state(u);

    if (u->load_state != LOAD_LOADED)
        return -EINVAL;
    if (active_or_reloading(s))
        return -EALREADY;
    if (s == ACTIVE_MAINTENANCE)
        return -EAGAIN;
    if (u->not_yet_run) {
        unit_log_text(u, LOG_WARNING, "Units of type %s are not run by this version of reeve.",
                      unit_type_to_string(u->type));
        return -EOPNOTSUPP;
    }
    /* The limit comes first: a unit whose condition keeps failing must not be a busy loop. */
    if (u->ops->can_start) {
        int r = u->ops->can_start(u);
        if (r < 0)
            return r;
    }
    /* A unit that is activating already was found fit when it began. */
    if (s != ACTIVE_ACTIVATING && u->config) {
        if (!test_conditions(u)) {
            if (u->ops->start_skipped)
                u->ops->start_skipped(u);
            return -ECOMM;
        }
        if (!test_asserts(u))
            return -EPROTO;
    }
    if (!bound_units_are_active(u))
        return -ENOLINK;
    if (!u->ops->start)
        return -EBADR;
    unit_changed(u);
    return u->ops->start(u);
}

int unit_stop(struct unit *u)
{
    if (inactive_or_failed(unit_active_state(u)))
        return -EALREADY;
    if (!u->ops->stop)
        return -EBADR;
    unit_changed(u);
    if (u->freezer != FREEZER_RUNNING)
        (void) unit_thaw(u, NULL);
    return u->ops->stop(u);
}

int unit_reload(struct unit *u)
{
    enum active_state s = unit_active_state(u);

    if (u->load_state != LOAD_LOADED)
        return -EINVAL;
    if (!unit_can_reload(u))
        return -EBADR;
    if (s == ACTIVE_RELOADING || s == ACTIVE_REFRESHING)
        return -EAGAIN;
    if (s != ACTIVE_ACTIVE) {
        unit_log_text(u, LOG_WARNING, "Unit cannot be reloaded because it is inactive.");
        return -ENOEXEC;
    }
    unit_changed(u);
    if (!u->ops->reload) {
        /* It only hands the reload on, which the transaction has seen to. */
        unit_notify_state(u, s, s, false);
        return 0;
    }
    return u->ops->reload(u);
}

int unit_check_start_limit(struct unit *u)
{
    const struct unit_section *c = u->config->unit;
    struct rate_limit limit = {
        .interval = c->start_limit_interval_sec,
        .burst = c->start_limit_burst,
        .begin = u->start_limit_begin,
        .n = u->start_limit_n,
    };
    bool below = rate_limit_below(&limit, now_usec(CLOCK_MONOTONIC));

    u->start_limit_begin = limit.begin;
    u->start_limit_n = limit.n;
    if (below) {
        u->start_limit_hit = false;
        return 0;
    }
    u->start_limit_hit = true;
    unit_log(u, MSG_UNIT_START_LIMIT, 0, NULL);
    manager_action(u->manager, c->start_limit_action, -1, u->id);
    return -ECANCELED;
}

void unit_reset_failed(struct unit *u)
{
    if (u->ops->reset_failed)
        u->ops->reset_failed(u);
    u->start_limit_hit = false;
    u->start_limit_begin = 0;
    u->start_limit_n = 0;
    unit_end_series(u);
    unit_queue_add(u, QUEUE_GC);
    unit_changed(u);
}

void manager_reset_failed(struct manager *m)
{
    struct unit *u;

    MANAGER_FOREACH_UNIT(u, m)
    unit_reset_failed(u);
}

/* ---- requests ---- */

int manager_request(struct manager *m, enum job_type type, struct unit *u, enum job_mode mode,
                    bool reload_if_possible, struct job **ret, struct op_error *e)
{
    u = unit_follow_merge(u);
    if (reload_if_possible && unit_can_reload(u)) {
        if (type == JOB_RESTART)
            type = JOB_RELOAD_OR_START;
        else if (type == JOB_TRY_RESTART)
            type = JOB_TRY_RELOAD;
    }
    if (type == JOB_STOP && unit_active_state(u) == ACTIVE_INACTIVE &&
        (u->load_state == LOAD_NOT_FOUND || u->load_state == LOAD_ERROR ||
         u->load_state == LOAD_BAD_SETTING))
        return op_error_set(e, -ENOENT, "NoSuchUnit", "Unit %s not loaded.", u->id);

    const struct unit_section *c = u->config ? u->config->unit : NULL;
    bool starts = type == JOB_START || type == JOB_RESTART || type == JOB_TRY_RESTART ||
                  (type == JOB_RELOAD_OR_START &&
                   job_type_collapse(type, unit_active_state(u)) == JOB_START);
    bool stops = type == JOB_STOP || type == JOB_RESTART || type == JOB_TRY_RESTART;
    if (c && ((starts && c->refuse_manual_start) || (stops && c->refuse_manual_stop)))
        return op_error_set(e, -EPERM, "OnlyByDependency",
                            "Operation refused, unit %s may be requested by dependency only (it is "
                            "configured to refuse manual start/stop).",
                            u->id);
    /* Asked for by hand: a new series of restarts begins. */
    if (type == JOB_START || type == JOB_RESTART)
        unit_end_series(u);
    int r = manager_add_job(m, type, u, mode, ret, e);
    /* Before it is answered: what was accepted outlives a crash. */
    if (r >= 0)
        manager_save_changed(m);
    return r;
}

int manager_add_job(struct manager *m, enum job_type type, struct unit *u, enum job_mode mode,
                    struct job **ret, struct op_error *e)
{
    u = unit_follow_merge(u);
    if (mode == JOB_MODE_ISOLATE && type != JOB_START)
        return op_error_set(e, -EINVAL, "InvalidArgs", "Isolate is only valid for start.");
    if (mode == JOB_MODE_ISOLATE && !(u->config && u->config->unit->allow_isolate))
        return op_error_set(e, -EPERM, "NoIsolation",
                            "Operation refused, unit may not be isolated.");
    if (mode == JOB_MODE_TRIGGERING && type != JOB_STOP)
        return op_error_set(e, -EINVAL, "InvalidArgs",
                            "--job-mode=triggering is only valid for stop.");
    if (mode == JOB_MODE_RESTART_DEPENDENCIES && type != JOB_START)
        return op_error_set(e, -EINVAL, "InvalidArgs",
                            "--job-mode=restart-dependencies is only valid for start.");
    return transaction_run(type, u, mode, ret, e);
}

void manager_cancel_all_jobs(struct manager *m)
{
    struct job *j;
    size_t position = 0;

    /* Cancelling one can end others: begin again after each. */
    while ((j = map_next(&m->jobs, &position, NULL))) {
        job_finish(j, JOB_CANCELED, false, false);
        position = 0;
    }
}
