/* What follows when a unit's state has changed. */
#include <errno.h>

#include "base/log.h"
#include "base/rate_limit.h"
#include "base/str.h"
#include "event/event.h"
#include "manager/private.h"
#include "unit/config.h"

/* Why a job is queued by the manager itself is no client's business: a refusal is logged. */
static void queue_job(struct unit *u, enum job_type type, enum job_mode mode, const char *why)
{
    auto_op_error struct op_error e = { 0 };

    if (manager_add_job(u->manager, type, u, mode, NULL, &e) < 0)
        unit_log_text(u, LOG_WARNING, "Failed to enqueue %s job (%s), ignoring: %s",
                      job_type_name(type), why, strempty(e.message));
}

/* ---- changes that no job asked for ---- */

static void start_what_is_required(struct unit *u)
{
    struct unit *other;

    UNIT_FOREACH_ATOM(other, u, ATOM_RETROACTIVE_START_REPLACE)
    if (!dependency_has(u, DEP_BIT(DEP_AFTER), other) &&
        !active_or_activating(unit_active_state(other)))
        queue_job(other, JOB_START, JOB_MODE_REPLACE, "required by a unit that is up");
    UNIT_FOREACH_ATOM(other, u, ATOM_RETROACTIVE_START_FAIL)
    if (!dependency_has(u, DEP_BIT(DEP_AFTER), other) &&
        !active_or_activating(unit_active_state(other)))
        queue_job(other, JOB_START, JOB_MODE_FAIL, "wanted by a unit that is up");
    UNIT_FOREACH_ATOM(other, u, ATOM_RETROACTIVE_STOP_ON_START)
    if (!inactive_or_deactivating(unit_active_state(other)))
        queue_job(other, JOB_STOP, JOB_MODE_REPLACE, "conflicts with a unit that is up");
}

static void stop_what_follows(struct unit *u)
{
    struct unit *other;

    UNIT_FOREACH_ATOM(other, u, ATOM_RETROACTIVE_STOP_ON_STOP)
    if (!inactive_or_deactivating(unit_active_state(other)))
        queue_job(other, JOB_STOP, JOB_MODE_REPLACE, "stop is propagated");
}

/* ---- OnFailure=, OnSuccess= ---- */

void unit_start_on_termination(struct unit *u, uint32_t atom)
{
    const struct unit_section *c = u->config ? u->config->unit : NULL;
    enum job_mode mode = JOB_MODE_REPLACE;
    struct unit *other;

    if (c)
        mode = atom == ATOM_ON_FAILURE ? c->on_failure_job_mode : c->on_success_job_mode;
    UNIT_FOREACH_ATOM(other, u, atom)
    {
        auto_op_error struct op_error e = { 0 };

        unit_log_text(u, LOG_INFO, "Triggering %s= dependencies.",
                      atom == ATOM_ON_FAILURE ? "OnFailure" : "OnSuccess");
        if (manager_add_job(u->manager, JOB_START, other, mode, NULL, &e) < 0)
            unit_log_text(u, LOG_WARNING, "Failed to enqueue %s= job, ignoring: %s",
                          atom == ATOM_ON_FAILURE ? "OnFailure" : "OnSuccess", strempty(e.message));
    }
}

/* ---- StopWhenUnneeded=, Upholds=, BindsTo= ---- */

/* As systemd has it. Without a limit a unit that fails at every start would have its next job
 * before the jobs behind it have their turn. */
#define AUTOMATIC_INTERVAL (10 * USEC_PER_SEC)
#define AUTOMATIC_BURST 16

static void on_again(struct event_source *s, usec_t due, void *userdata)
{
    struct unit *u = userdata;

    u->rare->automatic_again = event_source_free(s);
    unit_queue_checks(u);
}

/* A job that nobody has asked for, unless there were too many of them: then the unit is looked at
 * once more when the time is over. */
static void queue_automatic(struct unit *u, enum job_type type, enum job_mode mode, const char *why)
{
    struct unit_rare *rare = unit_rare(u);

    if (rare) {
        struct rate_limit limit = { .interval = AUTOMATIC_INTERVAL,
                                    .burst = AUTOMATIC_BURST,
                                    .begin = rare->automatic_begin,
                                    .n = rare->automatic_n };
        bool below = rate_limit_below(&limit, now_usec(CLOCK_MONOTONIC));

        rare->automatic_begin = limit.begin;
        rare->automatic_n = limit.n;
        if (!below &&
            (rare->automatic_again || event_add_time(u->manager->loop, CLOCK_MONOTONIC,
                                                     usec_add(limit.begin, AUTOMATIC_INTERVAL + 1),
                                                     on_again, u, &rare->automatic_again) >= 0)) {
            unit_log_text(u, LOG_WARNING,
                          "Not queueing another %s job (%s): there were too many recently. Will "
                          "retry later.",
                          job_type_name(type), why);
            return;
        }
    }
    queue_job(u, type, mode, why);
}

void unit_queue_checks(struct unit *u)
{
    unit_queue_add(u, QUEUE_STOP_UNNEEDED);
    unit_queue_add(u, QUEUE_STOP_BOUND);
    unit_queue_add(u, QUEUE_START_UPHELD);
}

static bool is_unneeded(struct unit *u)
{
    struct unit *other;

    if (!u->config || !u->config->unit->stop_when_unneeded)
        return false;
    if (!active_or_reloading(unit_active_state(u)) || u->job)
        return false;
    UNIT_FOREACH_ATOM(other, u, ATOM_PINS)
    if (other->job || !inactive_or_failed(unit_active_state(other)) || unit_will_restart(other))
        return false;
    return true;
}

void manager_dispatch_stop_unneeded(struct manager *m)
{
    struct unit *u;

    while ((u = unit_queue_take(m, QUEUE_STOP_UNNEEDED))) {
        if (!is_unneeded(u))
            continue;
        unit_log_text(u, LOG_DEBUG, "Unit not needed anymore.");
        queue_automatic(u, JOB_STOP, JOB_MODE_FAIL, "not needed any more");
    }
}

static bool is_upheld(struct unit *u)
{
    struct unit *other;

    if (!inactive_or_failed(unit_active_state(u)) || u->job)
        return false;
    UNIT_FOREACH_ATOM(other, u, ATOM_START_STEADILY)
    if (active_or_reloading(unit_active_state(other)) && !unit_inactive_or_pending(other))
        return true;
    return false;
}

void manager_dispatch_start_upheld(struct manager *m)
{
    struct unit *u;

    while ((u = unit_queue_take(m, QUEUE_START_UPHELD)))
        if (is_upheld(u))
            queue_automatic(u, JOB_START, JOB_MODE_FAIL, "upheld by an active unit");
}

static bool is_bound_by_inactive(struct unit *u)
{
    struct unit *other;

    if (unit_active_state(u) != ACTIVE_ACTIVE || u->job)
        return false;
    UNIT_FOREACH_ATOM(other, u, ATOM_CANNOT_BE_ACTIVE_WITHOUT)
    if (!other->job && inactive_or_failed(unit_active_state(other)) && !unit_will_restart(other))
        return true;
    return false;
}

void manager_dispatch_stop_bound(struct manager *m)
{
    struct unit *u;

    while ((u = unit_queue_take(m, QUEUE_STOP_BOUND)))
        if (is_bound_by_inactive(u))
            queue_automatic(u, JOB_STOP, JOB_MODE_REPLACE, "a unit it is bound to is inactive");
}

static void queue_dependants(struct unit *u, enum active_state ns)
{
    struct unit *other;

    unit_queue_checks(u);
    if (inactive_or_deactivating(ns))
        UNIT_FOREACH_ATOM(other, u, ATOM_CHECK_UNNEEDED)
    unit_queue_add(other, QUEUE_STOP_UNNEEDED);
    if (inactive_or_failed(ns))
        UNIT_FOREACH_ATOM(other, u, ATOM_CHECK_BOUND)
    unit_queue_add(other, QUEUE_STOP_BOUND);
    if (active_or_reloading(ns))
        UNIT_FOREACH_ATOM(other, u, ATOM_CHECK_UPHELD)
    unit_queue_add(other, QUEUE_START_UPHELD);
}

/* ---- the transition itself ---- */

static void take_timestamps(struct unit *u, enum active_state old, enum active_state ns)
{
    if (old == ns && u->state_change.realtime)
        return;

    struct dual_time now = dual_now();
    u->state_change = now;
    if (inactive_or_failed(old) && !inactive_or_failed(ns))
        u->inactive_exit = now;
    else if (!inactive_or_failed(old) && inactive_or_failed(ns))
        u->inactive_enter = now;
    if (!active_or_reloading(old) && active_or_reloading(ns))
        u->active_enter = now;
    else if (active_or_reloading(old) && !active_or_reloading(ns))
        u->active_exit = now;
}

void unit_count_state(struct unit *u)
{
    bool failed = unit_active_state(u) == ACTIVE_FAILED;

    if (failed == u->in_failed_set)
        return;
    u->in_failed_set = failed;
    u->manager->n_failed += failed ? 1 : (uint32_t) -1;
}

static void act_on_end(struct unit *u, enum active_state old, enum active_state ns)
{
    const struct unit_section *c = u->config ? u->config->unit : NULL;
    int status = u->ops->exit_status ? u->ops->exit_status(u) : -1;

    if (!c)
        return;
    if (old != ACTIVE_FAILED && ns == ACTIVE_FAILED)
        manager_action(u->manager, c->failure_action,
                       c->failure_action_exit_status >= 0 ? c->failure_action_exit_status : status,
                       u->id);
    else if (!inactive_or_failed(old) && ns == ACTIVE_INACTIVE)
        manager_action(u->manager, c->success_action,
                       c->success_action_exit_status >= 0 ? c->success_action_exit_status : status,
                       u->id);
}

void unit_notify_state(struct unit *u, enum active_state old, enum active_state ns,
                       bool reload_failed)
{
    struct manager *m = u->manager;
    bool unexpected = true;

    if (m->deserializing) {
        unit_count_state(u);
        return;
    }
    m->in_notify++;
    unit_log_text(u, LOG_DEBUG, "Changed %s -> %s (%s)", active_state_name(old),
                  active_state_name(ns), unit_sub_state(u));
    take_timestamps(u, old, ns);
    unit_count_state(u);
    unit_changed(u);
    manager_tell(m, EVENT_UNIT_STATE, u, NULL);
    if (inactive_or_failed(ns) && !inactive_or_failed(old))
        unit_ended(u);

    if (u->job)
        unexpected = job_process_state(u->job, ns, reload_failed);
    if (unexpected) {
        if (inactive_or_failed(old) && active_or_activating(ns))
            start_what_is_required(u);
        else if (active_or_activating(old) && inactive_or_deactivating(ns))
            stop_what_follows(u);
    }

    if (inactive_or_failed(ns)) {
        if (!inactive_or_failed(old))
            unit_log_resources(u);
        if (u->ops->has_processes)
            unit_give_cgroup_back(u);
    }

    /* Also where a restart follows: RestartMode=direct is there to keep this quiet. */
    if (old != ns) {
        if (ns == ACTIVE_FAILED)
            unit_start_on_termination(u, ATOM_ON_FAILURE);
        else if (ns == ACTIVE_INACTIVE && !inactive_or_failed(old))
            unit_start_on_termination(u, ATOM_ON_SUCCESS);
    }

    struct unit *trigger;
    UNIT_FOREACH_ATOM(trigger, u, ATOM_TRIGGERED_BY)
    if (trigger->ops->triggered_changed)
        trigger->ops->triggered_changed(trigger, u);

    queue_dependants(u, ns);
    act_on_end(u, old, ns);
    manager_unit_ended(m, u, old, ns);
    unit_queue_add(u, QUEUE_GC);
    m->in_notify--;
}
