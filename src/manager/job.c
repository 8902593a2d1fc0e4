#include "manager/job.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "event/event.h"
#include "manager/private.h"
#include "unit/config.h"

/* ---- life ---- */

struct job *job_new(struct unit *u, enum job_type type)
{
    struct manager *m = u->manager;
    struct job *j = new0(struct job, 1);

    if (!j)
        return NULL;
    do
        m->next_job_id++;
    while (m->next_job_id == 0 || map_get_u64(&m->jobs, m->next_job_id));
    j->manager = m;
    j->unit = u;
    j->id = m->next_job_id;
    j->type = type;
    /* Taken now, so that nothing can fail once jobs are being installed. */
    if (map_put_u64(&m->jobs, j->id, j) < 0) {
        free(j);
        return NULL;
    }
    return j;
}

static void run_queue_remove(struct job *j)
{
    struct manager *m = j->manager;
    struct job *before = NULL;

    if (!j->in_run_queue)
        return;
    for (struct job **p = &m->run_queue; *p; before = *p, p = &(*p)->run_next)
        if (*p == j) {
            *p = j->run_next;
            if (m->run_queue_tail == j)
                m->run_queue_tail = before;
            break;
        }
    j->in_run_queue = false;
    j->run_next = NULL;
}

void job_free(struct job *j)
{
    assert(!j->installed);
    run_queue_remove(j);
    map_remove_u64(&j->manager->jobs, j->id);
    event_source_free(j->timer);
    free(j);
}

struct job *job_by_id(struct manager *m, uint32_t id)
{
    struct job *j = map_get_u64(&m->jobs, id);

    return j && j->installed ? j : NULL;
}

void job_watch_add(struct job *j, struct job_watch *w)
{
    w->job = j;
    w->next = j->watches;
    j->watches = w;
}

void job_watch_done(struct job_watch *w)
{
    if (!w->job)
        return;
    for (struct job_watch **p = &w->job->watches; *p; p = &(*p)->next)
        if (*p == w) {
            *p = w->next;
            break;
        }
    w->job = NULL;
}

static void call_watches(struct job *j, enum job_result result)
{
    while (j->watches) {
        struct job_watch *w = j->watches;

        j->watches = w->next;
        w->job = NULL;
        w->callback(w, j->id, j->unit, result);
    }
}

/* ---- the run queue ---- */

void job_add_to_run_queue(struct job *j)
{
    struct manager *m = j->manager;

    if (j->in_run_queue || !j->installed)
        return;
    j->in_run_queue = true;
    j->run_next = NULL;
    if (m->run_queue_tail)
        m->run_queue_tail->run_next = j;
    else
        m->run_queue = j;
    m->run_queue_tail = j;
    manager_work_pending(m);
}

/* Jobs are written down before anything is done for them, and what one has done before the next: a
 * crash loses neither those that are still to run nor a process. */
void manager_dispatch_run_queue(struct manager *m)
{
    if (m->run_queue)
        manager_save_changed(m);
    while (m->run_queue) {
        struct job *j = m->run_queue;

        m->run_queue = j->run_next;
        if (!m->run_queue)
            m->run_queue_tail = NULL;
        j->run_next = NULL;
        j->in_run_queue = false;
        job_run(j);
        manager_save_changed(m);
    }
}

static void set_state(struct job *j, enum job_state s)
{
    if (j->state == s)
        return;
    j->state = s;
    j->manager->n_running_jobs += s == JOB_RUNNING ? 1 : (unsigned) -1;
    unit_changed(j->unit);
}

/* ---- installing ---- */

static void merge_into_installed(struct job *old, struct job *new)
{
    if (old->type < JOB_NOP)
        (void) job_type_merge_and_collapse(&old->type, new->type, unit_active_state(old->unit));
    old->irreversible |= new->irreversible;
    old->ignore_order |= new->ignore_order;
}

struct job *job_install(struct job *j)
{
    struct unit *u = j->unit;
    struct job **slot = j->type == JOB_NOP ? &u->nop_job : &u->job;
    struct job *old = *slot;

    if (old && old->type < JOB_NOP && !job_types_mergeable(old->type, j->type)) {
        job_finish(old, JOB_CANCELED, false, false);
        old = NULL;
    }
    if (old) {
        /* A reload that runs may have read the configuration before it changed: it is not enough
         * for a second one, which then runs it again. A running restart still stops. */
        bool enough = old->state == JOB_WAITING ||
                      (j->type != JOB_RELOAD && job_type_is_superset(old->type, j->type));

        merge_into_installed(old, j);
        if (!enough)
            set_state(old, JOB_WAITING);
        job_free(j);
        return old;
    }

    *slot = j;
    j->installed = true;
    u->manager->n_jobs++;
    u->manager->n_installed_jobs++;
    manager_tell(u->manager, EVENT_JOB_NEW, u, j);
    unit_changed(u);
    return j;
}

void job_uninstall(struct job *j)
{
    struct unit *u = j->unit;

    if (!j->installed)
        return;
    set_state(j, JOB_WAITING);
    if (u->job == j)
        u->job = NULL;
    else if (u->nop_job == j)
        u->nop_job = NULL;
    j->installed = false;
    u->manager->n_jobs--;
    unit_queue_add(u, QUEUE_GC);
    unit_changed(u);
}

/* ---- deadlines ---- */

static void on_timeout(struct event_source *s, usec_t due, void *userdata)
{
    struct job *j = userdata;
    struct unit *u = j->unit;
    const struct unit_section *c = u->config ? u->config->unit : NULL;

    unit_log_text(u, LOG_WARNING, "Job %s/%s timed out.", u->id, job_type_name(j->type));
    job_finish(j, JOB_TIMEOUT, true, false);
    if (c)
        manager_action(u->manager, c->job_timeout_action, -1, "job timed out");
}

usec_t job_deadline(const struct job *j)
{
    return j->timer && event_source_enabled(j->timer) ? event_source_time(j->timer) : USEC_INFINITY;
}

/* JobTimeoutSec= counts from the begin, JobRunningTimeoutSec= from when it runs. */
void job_start_timer(struct job *j, bool running)
{
    const struct unit_section *c = j->unit->config ? j->unit->config->unit : NULL;
    struct dual_time *begin = running ? &j->begin_running : &j->begin;

    if (begin->monotonic)
        return;
    *begin = dual_now();
    if (!c)
        return;
    usec_t at = usec_add(begin->monotonic,
                         running ? c->job_running_timeout_sec : c->job_timeout_sec);
    if (at == USEC_INFINITY)
        return;
    if (!j->timer) {
        if (event_add_time(j->manager->loop, CLOCK_MONOTONIC, at, on_timeout, j, &j->timer) < 0)
            unit_log_text(j->unit, LOG_ERR, "Out of memory: the job has no timeout.");
    } else if (at < job_deadline(j))
        event_source_set_time(j->timer, at);
}

/* ---- order ---- */

int job_compare(const struct job *a, const struct job *b, bool b_is_after)
{
    if (a->type == JOB_NOP || b->type == JOB_NOP || a->ignore_order || b->ignore_order)
        return 0;
    if (!b_is_after)
        return -job_compare(b, a, true);
    /* A stop goes first, whichever way the order is; of two stops the later unit's. */
    return b->type == JOB_STOP || b->type == JOB_RESTART ? 1 : -1;
}

bool job_is_runnable(struct job *j)
{
    struct unit *other;

    if (j->ignore_order || j->type == JOB_NOP)
        return true;
    UNIT_FOREACH_KIND(other, j->unit, DEP_BIT(DEP_AFTER))
    if (other->job && job_compare(j, other->job, false) > 0)
        return false;
    UNIT_FOREACH_KIND(other, j->unit, DEP_BIT(DEP_BEFORE))
    if (other->job && job_compare(j, other->job, true) > 0)
        return false;
    return true;
}

/* ---- running ---- */

static int run_verify_active(struct unit *u)
{
    enum active_state s = unit_active_state(u);

    if (active_or_reloading(s))
        return -EALREADY;
    return s == ACTIVE_ACTIVATING ? -EAGAIN : -EBADR;
}

/* The unit's own function may end the job, and another one may take its place: it is looked up by
 * its id afterwards. */
static int perform(struct job *j)
{
    struct unit *u = j->unit;
    enum job_type t = j->type;
    uint32_t id = j->id;
    struct manager *m = j->manager;
    int r;

    if (t == JOB_START)
        r = unit_start(u);
    else if (t == JOB_RELOAD)
        r = unit_reload(u);
    else
        r = unit_stop(u);

    struct job *still = job_by_id(m, id);
    bool going_on = r >= 0 || r == -EAGAIN;
    if (r >= 0)
        unit_message_job_begin(u, t);
    return going_on && !still ? 1 : r;
}

static enum job_result result_of(int r)
{
    switch (r) {
    case -ECOMM:
    case -EALREADY:
        return JOB_DONE;
    case -EBADR:
        return JOB_SKIPPED;
    case -ENOEXEC:
        return JOB_INVALID;
    case -EPROTO:
        return JOB_ASSERT;
    case -EOPNOTSUPP:
        return JOB_UNSUPPORTED;
    case -ENOLINK:
        return JOB_DEPENDENCY;
    case -ESTALE:
        return JOB_ONCE;
    case -EDEADLK:
        return JOB_FROZEN;
    default:
        return JOB_FAILED;
    }
}

void job_run(struct job *j)
{
    struct manager *m = j->manager;
    uint32_t id = j->id;
    int r;

    if (j->state != JOB_WAITING || !job_is_runnable(j))
        return;
    job_start_timer(j, true);
    set_state(j, JOB_RUNNING);

    switch (j->type) {
    case JOB_VERIFY_ACTIVE:
        r = run_verify_active(j->unit);
        break;
    case JOB_START:
    case JOB_STOP:
    case JOB_RESTART:
    case JOB_RELOAD:
        r = perform(j);
        break;
    case JOB_NOP:
        r = -EALREADY;
        break;
    case JOB_TRY_RESTART:
    case JOB_TRY_RELOAD:
    case JOB_RELOAD_OR_START:
    case JOB_TYPE_MAX:
    default:
        assert_unreachable();
    }

    j = job_by_id(m, id);
    if (!j || r >= 0)
        return;
    if (r == -EAGAIN)
        set_state(j, JOB_WAITING); /* looked at again when the unit's state changes */
    else
        job_finish(j, result_of(r), true, r == -EALREADY);
}

bool job_process_state(struct job *j, enum active_state ns, bool reload_failed)
{
    bool ended = inactive_or_failed(ns), unexpected = false;
    enum job_result end = ns == ACTIVE_FAILED ? JOB_FAILED : JOB_DONE;

    /* What could not be done before may be possible now. */
    if (j->state == JOB_WAITING)
        job_add_to_run_queue(j);

    switch (j->type) {
    case JOB_START:
    case JOB_VERIFY_ACTIVE:
        if (active_or_reloading(ns))
            job_finish(j, JOB_DONE, true, false);
        else if (j->state == JOB_RUNNING && ns != ACTIVE_ACTIVATING) {
            unexpected = true;
            if (ended)
                job_finish(j, end, true, false);
        }
        break;
    case JOB_RELOAD:
    case JOB_RELOAD_OR_START:
    case JOB_TRY_RELOAD:
        if (j->state != JOB_RUNNING)
            break;
        if (ns == ACTIVE_ACTIVE)
            job_finish(j, reload_failed ? JOB_FAILED : JOB_DONE, true, false);
        else if (ns != ACTIVE_ACTIVATING && ns != ACTIVE_RELOADING && ns != ACTIVE_REFRESHING) {
            unexpected = true;
            if (ended)
                job_finish(j, end, true, false);
        }
        break;
    case JOB_STOP:
    case JOB_RESTART:
    case JOB_TRY_RESTART:
        if (ended)
            job_finish(j, JOB_DONE, true, false);
        else if (j->state == JOB_RUNNING && ns != ACTIVE_DEACTIVATING) {
            unexpected = true;
            job_finish(j, JOB_FAILED, true, false);
        }
        break;
    case JOB_NOP:
    case JOB_TYPE_MAX:
    default:
        assert_unreachable();
    }
    return unexpected;
}

/* ---- ending ---- */

static void fail_dependants(struct unit *u, uint32_t atom)
{
    struct unit *other;

    UNIT_FOREACH_ATOM(other, u, atom)
    {
        struct job *j = other->job;

        if (j && (j->type == JOB_START || j->type == JOB_VERIFY_ACTIVE))
            job_finish(j, JOB_DEPENDENCY, true, false);
    }
}

static void wake_ordered(struct unit *u)
{
    struct unit *other;

    UNIT_FOREACH_KIND(other, u, DEP_BIT(DEP_AFTER) | DEP_BIT(DEP_BEFORE))
    if (other->job) {
        job_add_to_run_queue(other->job);
        unit_queue_add(other, QUEUE_GC);
    }
}

int job_finish(struct job *j, enum job_result result, bool recursive, bool already)
{
    struct unit *u = j->unit;
    struct manager *m = j->manager;
    enum job_type t = j->type;

    j->result = result;
    if (!already)
        unit_message_job_end(u, j, t, result);

    if (result == JOB_DONE && t == JOB_RESTART) {
        /* The stop half is over: the same job is now that of the start. */
        j->type = JOB_START;
        set_state(j, JOB_WAITING);
        job_add_to_run_queue(j);
        wake_ordered(u);
        return 1;
    }

    if (result == JOB_FAILED || result == JOB_INVALID)
        m->n_failed_jobs++;
    job_uninstall(j);
    manager_tell(m, EVENT_JOB_REMOVED, u, j);
    call_watches(j, result);
    job_free(j);

    if (result != JOB_DONE && recursive) {
        if (t == JOB_START || t == JOB_VERIFY_ACTIVE)
            fail_dependants(u, ATOM_PROPAGATE_START_FAILURE);
        else if (t == JOB_STOP)
            fail_dependants(u, ATOM_PROPAGATE_STOP_FAILURE);
    }
    /* A start that was skipped (conditions) ends well, and yet Requisite= is not met. */
    if (result == JOB_DONE && recursive && t == JOB_START &&
        inactive_or_failed(unit_active_state(u)))
        fail_dependants(u, ATOM_PROPAGATE_INACTIVE_START_AS_FAILURE);

    /* A failed unit sees to this itself (unit_notify_state()). */
    if (result == JOB_TIMEOUT || result == JOB_DEPENDENCY)
        unit_start_on_termination(u, ATOM_ON_FAILURE);

    wake_ordered(u);
    manager_check_finished(m);
    return 0;
}

void job_cancel(struct job *j)
{
    job_finish(j, JOB_CANCELED, true, false);
}

void job_requeue(struct job *j)
{
    set_state(j, JOB_WAITING);
    job_add_to_run_queue(j);
}
