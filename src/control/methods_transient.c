/* StartTransient: a unit made by request, and what became of it. */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/strv.h"
#include "control/arena.h"
#include "control/methods.h"
#include "manager/transient.h"

/* A client that waits for the job, or until the unit has ended. */
struct transient_run {
    struct job_watch job; /* first member */
    struct varlink_call *call;
    struct manager_watch *watch;
    struct unit *unit; /* referred to, so that its end can be told */
    char **names;      /* of properties; NULL: all */
    bool wait, job_ended;
    bool began; /* its invocation was told */
};

static void run_free(void *state)
{
    struct transient_run *x = state;

    job_watch_done(&x->job);
    manager_watch_free(x->watch);
    if (x->unit)
        unit_unref(x->unit);
    strv_free(x->names);
    free(x);
}

static json_t *describe_now(const struct transient_run *x)
{
    return describe_properties(x->unit, x->names ? json_texts(x->names) : NULL,
                               varlink_call_may(x->call, NEEDS_OUTPUT));
}

static bool has_ended(const struct transient_run *x)
{
    return x->job_ended && !x->unit->job && inactive_or_failed(unit_active_state(x->unit));
}

static void on_job_end(struct job_watch *w, uint32_t id, struct unit *unit, enum job_result result)
{
    struct transient_run *x = container_of(w, struct transient_run, job);
    size_t mark = json_arena_mark();
    json_t *answer = json_pack("{s:o, s:o*}", "ended", describe_job_end(id, unit, result),
                               "properties", describe_now(x));

    x->job_ended = true;
    if (!x->wait)
        varlink_reply(x->call, answer);
    else {
        unit_changed(x->unit); /* it may have ended by now */
        varlink_notify(x->call, answer);
    }
    json_arena_release(mark);
}

/* Told once a turn of the loop, when the state has settled. */
static void on_event(enum manager_event ev, struct unit *u, struct job *j, void *userdata)
{
    struct transient_run *x = userdata;
    size_t mark = json_arena_mark();

    if (ev != EVENT_UNIT_CHANGED || u != x->unit)
        return;
    if (has_ended(x))
        varlink_reply(x->call, json_pack("{s:o*}", "properties", describe_now(x)));
    else if (!x->began && !id128_is_null(u->invocation)) {
        x->began = true;
        varlink_notify(x->call, json_pack("{s:o*}", "properties", describe_now(x)));
    }
    json_arena_release(mark);
}

static int follow(struct varlink_call *c, const json_t *in, struct unit *u, bool wait,
                  struct transient_run **ret)
{
    const json_t *names = json_object_get(in, "properties");
    struct transient_run *x = new0(struct transient_run, 1);
    int r = x ? 0 : -ENOMEM;

    if (r < 0)
        return r;
    varlink_call_keep(c, x, run_free);
    x->call = c;
    x->unit = u;
    unit_ref(u);
    x->wait = wait;
    if (json_is_array(names))
        r = json_texts_get(names, &x->names);
    if (r >= 0 && wait)
        r = manager_watch_add(u->manager, on_event, x, &x->watch);
    *ret = x;
    return r;
}

int method_wait_unit(struct varlink_call *c, const json_t *in, void *manager)
{
    struct transient_run *x;
    struct unit *u;
    int r = method_loaded_unit(c, in, manager, &u);

    if (r <= 0)
        return r;
    r = follow(c, in, u, true, &x);
    if (r < 0)
        return r;
    x->job_ended = x->began = true;
    unit_changed(u); /* it may have ended by now */
    return 0;
}

static int follow_job(struct varlink_call *c, const json_t *in, struct unit *u, struct job *j)
{
    struct transient_run *x;
    int r = follow(c, in, u, json_is_true(json_object_get(in, "wait")), &x);

    if (r < 0)
        return r;
    x->job.callback = on_job_end;
    job_watch_add(j, &x->job);
    return varlink_notify(c, json_pack("{s:o}", "job", describe_job(j)));
}

/* Those that the one to be started needs. What was made is forgotten by itself where that fails. */
static int make_others(struct manager *m, const json_t *also, struct op_error *e)
{
    json_t *other;
    size_t i;
    int r = 0;

    json_array_foreach(also, i, other)
    {
        auto_strv char **assignments = NULL;
        struct unit *u;

        r = json_texts_get(json_object_get(other, "assignments"), &assignments);
        if (r < 0)
            break;
        struct transient_request q = {
            .name = json_string_value(json_object_get(other, "unit")),
            .assignments = assignments,
        };
        r = manager_make_transient(m, &q, &u, e);
        if (r < 0)
            break;
    }
    return r;
}

int method_start_transient(struct varlink_call *c, const json_t *in, void *manager)
{
    const char *mode_name = json_string_value(json_object_get(in, "mode"));
    int mode = mode_name ? job_mode_from_string(mode_name) : JOB_MODE_FAIL;
    auto_op_error struct op_error e = { 0 };
    auto_strv char **assignments = NULL;
    struct transient_request q = {
        .name = json_string_value(json_object_get(in, "unit")),
        .like = json_string_value(json_object_get(in, "like")),
    };
    struct unit *u;
    struct job *j = NULL;
    int r = json_texts_get(json_object_get(in, "assignments"), &assignments);

    if (r == -EINVAL || mode < 0)
        return varlink_error(c, "org.varlink.service.InvalidParameter",
                             json_pack("{s:s}", "parameter", r < 0 ? "assignments" : "mode"));
    if (r < 0)
        return r;
    q.assignments = assignments;
    q.stdio = varlink_call_take_fds(c);
    r = make_others(manager, json_object_get(in, "also"), &e);
    if (r >= 0)
        r = manager_make_transient(manager, &q, &u, &e);
    for (int i = 0; q.stdio && i < 3; i++) /* not taken over */
        close_fd(q.stdio[i]);
    free(q.stdio);
    if (r >= 0)
        r = manager_request(manager, JOB_START, u, (enum job_mode) mode, false, &j, &e);
    if (r < 0)
        return reply_refused(c, r, &e);
    if (!varlink_call_wants_more(c) || !j)
        return varlink_reply(c, j ? json_pack("{s:o}", "job", describe_job(j)) : NULL);
    return follow_job(c, in, u, j);
}
