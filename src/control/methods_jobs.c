/* Starting and stopping, jobs, and what else is done to units. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "control/arena.h"
#include "control/methods.h"
#include "launch/spawn.h"
#include "manager/transient.h"
#include "unit/enums.h"

/* ---- EnqueueJobs ---- */

/* What a client's word for a job means to the manager. */
static const struct job_request {
    const char *name;
    enum job_type type;
    bool reload_if_possible;
} job_requests[] = {
    { "start", JOB_START, false },
    { "stop", JOB_STOP, false },
    { "reload", JOB_RELOAD, false },
    { "restart", JOB_RESTART, false },
    { "try-restart", JOB_TRY_RESTART, false },
    { "reload-or-restart", JOB_RESTART, true },
    { "reload-or-try-restart", JOB_TRY_RESTART, true },
    { "verify-active", JOB_VERIFY_ACTIVE, false },
};

/* A stream that tells of the ends of the jobs of one call. */
struct job_waiter {
    struct varlink_call *call;
    struct waited {
        struct job_watch watch; /* first member */
        struct job_waiter *waiter;
    } * waited;
    size_t n, n_ended;
    bool told; /* the first answer, with the jobs, was given */
};

static void job_waiter_free(void *state)
{
    struct job_waiter *w = state;

    for (size_t i = 0; i < w->n; i++)
        job_watch_done(&w->waited[i].watch);
    free(w->waited);
    free(w);
}

json_t *describe_job_end(uint32_t id, const struct unit *u, enum job_result result)
{
    return json_pack("{s:I, s:s, s:s}", "id", (json_int_t) id, "unit", u->id, "result",
                     job_result_name(result));
}

static void job_ended(struct job_watch *watch, uint32_t id, struct unit *unit,
                      enum job_result result)
{
    struct job_waiter *w = container_of(watch, struct waited, watch)->waiter;
    size_t mark = json_arena_mark();
    json_t *ended = json_pack("{s:o}", "ended", describe_job_end(id, unit, result));

    if (++w->n_ended == w->n)
        varlink_reply(w->call, ended);
    else
        varlink_notify(w->call, ended);
    json_arena_release(mark);
}

static const struct job_request *find_request(const json_t *in)
{
    const char *type = json_string_value(json_object_get(in, "type"));

    for (size_t i = 0; i < ELEMENTSOF(job_requests); i++)
        if (streq(type, job_requests[i].name))
            return &job_requests[i];
    return NULL;
}

static int enqueue_one(struct manager *m, const struct job_request *request, const char *name,
                       enum job_mode mode, struct job **ret, struct op_error *e)
{
    struct unit *u;
    int r = manager_load_unit(m, name, &u, e);

    if (r < 0)
        return r;
    return manager_request(m, request->type, unit_follow_merge(u), mode,
                           request->reload_if_possible, ret, e);
}

static int invalid_parameter(struct varlink_call *c, const char *parameter)
{
    return varlink_error(c, "org.varlink.service.InvalidParameter",
                         json_pack("{s:s}", "parameter", parameter));
}

int method_enqueue_jobs(struct varlink_call *c, const json_t *in, void *manager)
{
    const struct job_request *request = find_request(in);
    const char *mode_name = json_string_value(json_object_get(in, "mode"));
    const json_t *units = json_object_get(in, "units"), *name;
    int mode = mode_name ? job_mode_from_string(mode_name) : JOB_MODE_REPLACE;
    json_t *jobs = json_array(), *refused = json_array(), *stale = json_array(), *first;
    auto_free uint32_t *ids = new0(uint32_t, json_array_size(units) + 1);
    struct job_waiter *w;
    size_t i, n = 0;

    if (!request)
        return invalid_parameter(c, "type");
    if (!ids)
        return -ENOMEM;
    json_array_foreach(units, i, name)
    {
        const char *unit = json_string_value(name);
        auto_op_error struct op_error e = { 0 };
        struct job *j = NULL;
        int r = mode < 0
                    ? op_error_set(&e, -EINVAL, "InvalidArgs", "Job mode %s invalid", mode_name)
                    : enqueue_one(manager, request, unit, (enum job_mode) mode, &j, &e);

        if (r < 0 && json_array_append_new(refused, describe_refusal(unit, r, &e)) < 0)
            return -ENOMEM;
        if (r >= 0 && j) {
            ids[n++] = j->id;
            if (json_array_append_new(jobs, describe_job(j)) < 0)
                return -ENOMEM;
            if (unit_need_daemon_reload(j->unit) &&
                json_array_append_new(stale, json_string(j->unit->id)) < 0)
                return -ENOMEM;
        }
    }
    first = json_pack("{s:o, s:o, s:o}", "jobs", jobs, "refused", refused, "need_reload", stale);
    if (!varlink_call_wants_more(c) || n == 0)
        return varlink_reply(c, first);

    w = new0(struct job_waiter, 1);
    if (!w)
        return -ENOMEM;
    varlink_call_keep(c, w, job_waiter_free);
    w->call = c;
    w->waited = new0(struct waited, n);
    if (!w->waited)
        return -ENOMEM;
    for (i = 0; i < n; i++) {
        /* A later request of the same call may have replaced an earlier one's job. */
        struct job *j = job_by_id(manager, ids[i]);

        if (!j)
            continue;
        w->waited[w->n] = (struct waited){ .watch.callback = job_ended, .waiter = w };
        job_watch_add(j, &w->waited[w->n++].watch);
    }
    return w->n > 0 ? varlink_notify(c, first) : varlink_reply(c, first);
}

/* ---- jobs ---- */

int method_list_jobs(struct varlink_call *c, const json_t *in, void *manager)
{
    json_t *jobs = json_array();
    struct job *j;

    MAP_FOREACH (j, manager_jobs(manager))
        if (json_array_append_new(jobs, describe_job(j)) < 0)
            return -ENOMEM;
    return varlink_reply(c, json_pack("{s:o}", "jobs", jobs));
}

static int no_such_job(struct varlink_call *c, json_int_t id)
{
    char message[64];

    snprintf(message, sizeof message, "Job %jd does not exist.", (intmax_t) id);
    return varlink_error(c, "NoSuchJob", json_pack("{s:s}", "message", message));
}

int method_cancel_job(struct varlink_call *c, const json_t *in, void *manager)
{
    const json_t *id = json_object_get(in, "id");
    struct job *j;

    if (!json_is_integer(id)) {
        manager_cancel_all_jobs(manager);
        return varlink_reply(c, NULL);
    }
    j = job_by_id(manager, (uint32_t) json_integer_value(id));
    if (!j)
        return no_such_job(c, json_integer_value(id));
    job_cancel(j);
    return varlink_reply(c, NULL);
}

/* The jobs of the units that this job's unit is ordered after (or before). */
static json_t *ordered_jobs(const struct job *j, uint32_t atom)
{
    json_t *ids = json_array();
    const struct unit *other;

    UNIT_FOREACH_ATOM(other, j->unit, atom)
    if (other->job)
        json_array_append_new(ids, json_integer(other->job->id));
    return ids;
}

int method_show_job(struct varlink_call *c, const json_t *in, void *manager)
{
    json_int_t id = json_integer_value(json_object_get(in, "id"));
    const struct job *j = job_by_id(manager, (uint32_t) id);

    if (!j)
        return no_such_job(c, id);
    return varlink_reply(c, json_pack("{s:o, s:o, s:o}", "job", describe_job(j), "waits_for",
                                      ordered_jobs(j, ATOM_AFTER), "waited_for_by",
                                      ordered_jobs(j, ATOM_BEFORE)));
}

/* ---- what else is done to units ---- */

int method_kill_unit(struct varlink_call *c, const json_t *in, void *manager)
{
    static const char *const names[] = {
        [KILL_ALL] = "all",
        [KILL_MAIN] = "main",
        [KILL_CONTROL] = "control",
        [KILL_ALL_FAIL] = "all-fail",
        [KILL_MAIN_FAIL] = "main-fail",
        [KILL_CONTROL_FAIL] = "control-fail",
    };
    const char *whom_name = json_string_value(json_object_get(in, "whom"));
    const json_t *value = json_object_get(in, "value");
    json_int_t signo = json_integer_value(json_object_get(in, "signal"));
    auto_op_error struct op_error e = { 0 };
    enum kill_whom whom = KILL_ALL;
    struct unit *u;
    int r;

    while (whom_name && whom < KILL_WHOM_MAX && !streq(whom_name, names[whom]))
        whom++;
    if (whom == KILL_WHOM_MAX)
        return invalid_parameter(c, "whom");
    if (signo < 1 || signo > SIGRTMAX)
        return invalid_parameter(c, "signal");
    r = method_loaded_unit(c, in, manager, &u);
    if (r <= 0)
        return r;
    r = unit_kill(u, whom, (int) signo, json_is_integer(value) ? SI_QUEUE : SI_USER,
                  (int) json_integer_value(value), &e);
    return reply_result(c, r, &e);
}

int method_reset_failed(struct varlink_call *c, const json_t *in, void *manager)
{
    struct unit *u;
    int r;

    if (!json_is_string(json_object_get(in, "unit"))) {
        manager_reset_failed(manager);
        return varlink_reply(c, NULL);
    }
    r = method_loaded_unit(c, in, manager, &u);
    if (r <= 0)
        return r;
    unit_reset_failed(u);
    return varlink_reply(c, NULL);
}

/* A client that waits until its unit is clean. */
struct cleaning {
    struct varlink_call *call;
    struct manager_watch *watch;
    struct unit *unit;
};

static void cleaning_free(void *state)
{
    struct cleaning *x = state;

    manager_watch_free(x->watch);
    free(x);
}

static void cleaning_event(enum manager_event ev, struct unit *u, struct job *j, void *userdata)
{
    struct cleaning *x = userdata;
    size_t mark = json_arena_mark();

    if (u != x->unit || (ev != EVENT_UNIT_CHANGED && ev != EVENT_UNIT_REMOVED) ||
        (ev == EVENT_UNIT_CHANGED && unit_active_state(u) == ACTIVE_MAINTENANCE))
        return;
    varlink_reply(x->call, NULL);
    json_arena_release(mark);
}

static int wait_until_clean(struct varlink_call *c, struct unit *u)
{
    struct cleaning *x = new0(struct cleaning, 1);

    if (!x)
        return -ENOMEM;
    x->call = c;
    x->unit = u;
    varlink_call_keep(c, x, cleaning_free);
    return manager_watch_add(u->manager, cleaning_event, x, &x->watch);
}

int method_clean_unit(struct varlink_call *c, const json_t *in, void *manager)
{
    static const struct {
        const char *name;
        unsigned mask;
    } parts[] = {
        { "runtime", SPAWN_CLEAN_RUNTIME },
        { "state", SPAWN_CLEAN_STATE },
        { "cache", SPAWN_CLEAN_CACHE },
        { "logs", SPAWN_CLEAN_LOGS },
        { "configuration", SPAWN_CLEAN_CONFIGURATION },
        { "fdstore", SPAWN_CLEAN_FDSTORE },
        { "all", SPAWN_CLEAN_RUNTIME | SPAWN_CLEAN_STATE | SPAWN_CLEAN_CACHE | SPAWN_CLEAN_LOGS |
                     SPAWN_CLEAN_CONFIGURATION | SPAWN_CLEAN_FDSTORE },
    };
    const json_t *what = json_object_get(in, "what"), *name;
    auto_op_error struct op_error e = { 0 };
    unsigned mask = 0;
    struct unit *u;
    size_t i;
    int r;

    json_array_foreach(what, i, name)
    {
        unsigned bits = 0;

        for (size_t k = 0; k < ELEMENTSOF(parts); k++)
            if (streq(json_string_value(name), parts[k].name))
                bits = parts[k].mask;
        if (bits == 0) {
            r = op_error_set(&e, -EINVAL, "InvalidArgs", "Invalid resource type: %s",
                             strempty(json_string_value(name)));
            return reply_result(c, r, &e);
        }
        mask |= bits;
    }
    r = method_loaded_unit(c, in, manager, &u);
    if (r <= 0)
        return r;
    r = unit_clean(u, mask, &e);
    return r >= 0 && unit_active_state(u) == ACTIVE_MAINTENANCE ? wait_until_clean(c, u)
                                                                : reply_result(c, r, &e);
}

int method_freeze_unit(struct varlink_call *c, const json_t *in, void *manager)
{
    auto_op_error struct op_error e = { 0 };
    struct unit *u;
    int r = method_loaded_unit(c, in, manager, &u);

    return r <= 0 ? r : reply_result(c, unit_freeze(u, &e), &e);
}

int method_thaw_unit(struct varlink_call *c, const json_t *in, void *manager)
{
    auto_op_error struct op_error e = { 0 };
    struct unit *u;
    int r = method_loaded_unit(c, in, manager, &u);

    return r <= 0 ? r : reply_result(c, unit_thaw(u, &e), &e);
}

int method_set_properties(struct varlink_call *c, const json_t *in, void *manager)
{
    const char *keep = json_string_value(json_object_get(in, "keep"));
    auto_op_error struct op_error e = { 0 };
    auto_strv char **assignments = NULL;
    struct unit *u;
    int r = method_unit(c, in, manager, &u);

    if (r <= 0)
        return r;
    r = json_texts_get(json_object_get(in, "assignments"), &assignments);
    if (r == -EINVAL)
        return invalid_parameter(c, "assignments");
    if (keep && !streq(keep, "runtime") && !streq(keep, "persistent"))
        return invalid_parameter(c, "keep");
    if (r >= 0)
        r = unit_set_properties(u, assignments,
                                !keep                    ? PROPERTIES_UNTIL_RELOAD
                                : streq(keep, "runtime") ? PROPERTIES_RUNTIME
                                                         : PROPERTIES_PERSISTENT,
                                &e);
    return reply_result(c, r, &e);
}
