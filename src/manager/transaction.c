#include "manager/transaction.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "manager/private.h"
#include "manager/transaction_private.h"
#include "unit/config.h"

/* A chain of dependencies longer than this is no configuration but an attack on the stack. */
#define DEPTH_MAX 20000

enum add_flags {
    ADD_MATTERS = 1 << 0,   /* the one who pulls it in cannot do without it */
    ADD_CONFLICTS = 1 << 1, /* it is pulled in by Conflicts= */
    ADD_IGNORE_REQUIREMENTS = 1 << 2,
    ADD_IGNORE_ORDER = 1 << 3,
    ADD_START_AS_RESTART = 1 << 4, /* restart-dependencies: what depends on it is restarted */
    ADD_GRACEFUL = 1 << 5,         /* PropagatesStopTo= is followed also below the anchor */
};

/* ---- the jobs of the transaction ---- */

struct tunit *transaction_unit(const struct unit *u)
{
    return u->scratch;
}

static struct tjob *first_job(const struct unit *u)
{
    struct tunit *t = transaction_unit(u);

    return t ? t->jobs : NULL;
}

/* Gives the unit its place in the transaction, also without a job in it (for the search for cycles,
 * which follows installed jobs as well). */
struct tunit *transaction_add_unit(struct transaction *tr, struct unit *u)
{
    struct tunit *t = transaction_unit(u);

    if (t)
        return t;
    t = new0(struct tunit, 1);
    if (!t)
        return NULL;
    t->unit = u;
    t->next = tr->units;
    tr->units = t;
    u->scratch = t;
    return t;
}

static struct tjob *add_one(struct transaction *tr, enum job_type type, struct unit *u,
                            bool *is_new)
{
    struct tunit *t = transaction_add_unit(tr, u);

    if (!t)
        return NULL;
    for (struct tjob *j = t->jobs; j; j = j->next)
        if (j->type == type) {
            *is_new = false;
            return j;
        }

    struct tjob *j = new0(struct tjob, 1);
    if (!j)
        return NULL;
    j->at = t;
    j->type = type;
    j->next = t->jobs;
    t->jobs = j;
    *is_new = true;
    return j;
}

static int add_link(struct tjob *subject, struct tjob *object, unsigned flags)
{
    struct tlink *l = new0(struct tlink, 1);

    if (!l)
        return -ENOMEM;
    *l = (struct tlink){ .subject = subject,
                         .object = object,
                         .next_pulled = subject->pulls,
                         .next_puller = object->pulled_by,
                         .matters = flags & ADD_MATTERS,
                         .conflicts = flags & ADD_CONFLICTS };
    subject->pulls = object->pulled_by = l;
    return 0;
}

static void remove_puller(struct tlink *l)
{
    for (struct tlink **p = &l->object->pulled_by; *p; p = &(*p)->next_puller)
        if (*p == l) {
            *p = l->next_puller;
            return;
        }
}

static void remove_pulled(struct tlink *l)
{
    for (struct tlink **p = &l->subject->pulls; *p; p = &(*p)->next_pulled)
        if (*p == l) {
            *p = l->next_pulled;
            return;
        }
}

/* Takes the job out. `with_dependants`: also those that cannot do without it. */
void transaction_delete_job(struct transaction *tr, struct tjob *j, bool with_dependants)
{
    if (j->deleted)
        return;
    j->deleted = true;
    for (struct tjob **p = &j->at->jobs; *p; p = &(*p)->next)
        if (*p == j) {
            *p = j->next;
            break;
        }
    while (j->pulls) {
        struct tlink *l = j->pulls;

        j->pulls = l->next_pulled;
        remove_puller(l);
        free(l);
    }
    while (j->pulled_by) {
        struct tlink *l = j->pulled_by;
        struct tjob *puller = l->subject;
        bool take_down = with_dependants && l->matters && puller != j;

        j->pulled_by = l->next_puller;
        remove_pulled(l);
        free(l);
        if (take_down)
            transaction_delete_job(tr, puller, true);
    }
    j->next = tr->graveyard;
    tr->graveyard = j;
}

void transaction_delete_unit(struct transaction *tr, struct tunit *t)
{
    while (t->jobs)
        transaction_delete_job(tr, t->jobs, true);
}

static void transaction_done(struct transaction *tr)
{
    struct tunit *t;

    while ((t = tr->units)) {
        tr->units = t->next;
        while (t->jobs)
            transaction_delete_job(tr, t->jobs, false);
        t->unit->scratch = NULL;
        free(t);
    }
    while (tr->graveyard) {
        struct tjob *j = tr->graveyard;

        tr->graveyard = j->next;
        free(j);
    }
}

/* ---- building it from the dependencies ---- */

static int add(struct transaction *tr, enum job_type type, struct unit *u, struct tjob *by,
               unsigned flags, struct op_error *e);

/* Pulls `type` in at all units behind the atom. An error is fatal if the job matters, but for jobs
 * that such a unit cannot have (-EBADR). */
static int pull_in(struct transaction *tr, struct tjob *j, uint32_t atom, enum job_type type,
                   unsigned flags, struct op_error *e)
{
    struct unit *other;

    UNIT_FOREACH_ATOM(other, j->at->unit, atom)
    {
        auto_op_error struct op_error why = { 0 };
        int r = add(tr, type, other, j, flags, &why);

        if (r >= 0 || r == -EBADR)
            continue;
        if (r == -ENOMEM || (flags & ADD_MATTERS)) {
            if (e && !e->name) {
                *e = why;
                why = (struct op_error){ 0 };
            }
            return r;
        }
        /* Not found and masked are nothing that a Wants= minds. */
        unit_log_text(j->at->unit, r == -ENOENT || r == -ERFKILL ? LOG_DEBUG : LOG_WARNING,
                      "Cannot add dependency job, ignoring: %s", strempty(why.message));
    }
    return 0;
}

static int pull_in_for_start(struct transaction *tr, struct tjob *j, unsigned flags,
                             struct op_error *e)
{
    static const struct {
        uint32_t atom;
        enum job_type type;
        unsigned flags;
    } rows[] = {
        { ATOM_PULL_IN_START, JOB_START, ADD_MATTERS },
        { ATOM_PULL_IN_START_IGNORED, JOB_START, 0 },
        { ATOM_PULL_IN_VERIFY, JOB_VERIFY_ACTIVE, ADD_MATTERS },
        { ATOM_PULL_IN_STOP, JOB_STOP, ADD_MATTERS | ADD_CONFLICTS },
        { ATOM_PULL_IN_STOP_IGNORED, JOB_STOP, 0 },
    };

    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        int r = pull_in(tr, j, rows[i].atom, rows[i].type,
                        rows[i].flags | (flags & ADD_IGNORE_ORDER), e);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A stop stops, and a restart restarts, what requires this one. */
static int pull_in_for_stop(struct transaction *tr, struct tjob *j, struct tjob *by, unsigned flags,
                            struct op_error *e)
{
    bool is_stop = j->type == JOB_STOP;
    struct unit *other;

    UNIT_FOREACH_ATOM(other, j->at->unit, is_stop ? ATOM_PROPAGATE_STOP : ATOM_PROPAGATE_RESTART)
    {
        /* Only what runs is restarted: nothing is started that was not there. */
        enum job_type type = is_stop ? JOB_STOP
                                     : job_type_collapse(JOB_TRY_RESTART, unit_active_state(other));

        if (type == JOB_NOP)
            continue;
        int r = add(tr, type, other, j, ADD_MATTERS | (flags & ADD_IGNORE_ORDER), e);
        if (r < 0 && r != -EBADR)
            return r;
    }

    /* PropagatesStopTo= gives way to what the rest of the transaction wants of the other unit, so
     * everything else has to be known: it is followed at the anchor, last. */
    if (by && !(flags & ADD_GRACEFUL))
        return 0;
    UNIT_FOREACH_ATOM(other, j->at->unit, ATOM_PROPAGATE_STOP_GRACEFUL)
    {
        struct tjob *planned = first_job(other);
        enum job_type type = JOB_STOP;

        if (planned && (planned->type == JOB_START || planned->type == JOB_RESTART))
            type = job_type_collapse(JOB_TRY_RESTART, unit_active_state(other));
        if (type == JOB_NOP)
            continue;
        int r = add(tr, type, other, j, ADD_MATTERS | ADD_GRACEFUL | (flags & ADD_IGNORE_ORDER), e);
        if (r < 0 && r != -EBADR)
            return r;
    }
    return 0;
}

static int pull_in_for_reload(struct transaction *tr, struct tjob *j, unsigned flags)
{
    struct unit *other;

    UNIT_FOREACH_ATOM(other, j->at->unit, ATOM_PROPAGATES_RELOAD_TO)
    {
        auto_op_error struct op_error why = { 0 };
        enum job_type type = job_type_collapse(JOB_TRY_RELOAD, unit_active_state(other));

        if (type == JOB_NOP)
            continue;
        int r = add(tr, type, other, j, flags & ADD_IGNORE_ORDER, &why);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            unit_log_text(j->at->unit, LOG_WARNING,
                          "Cannot add dependency reload job, ignoring: %s", strempty(why.message));
    }
    return 0;
}

static int add(struct transaction *tr, enum job_type type, struct unit *u, struct tjob *by,
               unsigned flags, struct op_error *e)
{
    bool is_new;
    int r;

    u = unit_follow_merge(u);
    if (type != JOB_STOP) {
        r = unit_check_load_state(u, e);
        if (r < 0)
            return r;
    }
    if (!unit_job_is_applicable(u, type))
        return op_error_set(e, -EBADR, "JobTypeNotApplicable",
                            "Job type %s is not applicable for unit %s.", job_type_name(type),
                            u->id);

    struct tjob *j = add_one(tr, type, u, &is_new);
    if (!j)
        return op_error_set(e, -ENOMEM, "NoMemory", "Out of memory.");
    j->ignore_order |= !!(flags & ADD_IGNORE_ORDER);
    if (!by)
        tr->anchor = j;
    else if (add_link(by, j, flags) < 0)
        return op_error_set(e, -ENOMEM, "NoMemory", "Out of memory.");
    if (!is_new || (flags & ADD_IGNORE_REQUIREMENTS) || type == JOB_NOP)
        return 0;

    if (++tr->depth > DEPTH_MAX)
        return op_error_set(e, -ELOOP, "TransactionOrderIsCyclic",
                            "Dependencies of %s are nested too deeply.", u->id);
    r = 0;
    if (type == JOB_START || type == JOB_RESTART)
        r = pull_in_for_start(tr, j, flags, e);
    if (r >= 0 && (type == JOB_STOP || type == JOB_RESTART ||
                   (type == JOB_START && (flags & ADD_START_AS_RESTART))))
        r = pull_in_for_stop(tr, j, by, flags, e);
    if (r >= 0 && type == JOB_RELOAD)
        r = pull_in_for_reload(tr, j, flags);
    tr->depth--;
    return r;
}

/* isolate: all that is up and that the transaction does not speak of is stopped. */
static int add_isolate_jobs(struct transaction *tr, struct manager *m)
{
    struct unit *u, *other;

    MANAGER_FOREACH_UNIT(u, m)
    {
        bool kept = false;

        if (u->config && u->config->unit->ignore_on_isolate)
            continue;
        if (inactive_or_failed(unit_active_state(u)) && !u->job)
            continue;
        if (first_job(u))
            continue;
        /* What a kept unit has set off, or sets off, stays with it. */
        UNIT_FOREACH_ATOM(other, u, ATOM_TRIGGERED_BY)
        kept |= first_job(other) != NULL;
        if (kept)
            continue;

        auto_op_error struct op_error why = { 0 };
        int r = add(tr, JOB_STOP, u, tr->anchor, ADD_MATTERS, &why);
        if (r == -ENOMEM)
            return r;
        if (r < 0 && r != -EBADR)
            unit_log_text(u, LOG_WARNING, "Cannot add isolate job, ignoring: %s",
                          strempty(why.message));
    }
    return 0;
}

static int add_triggering_jobs(struct transaction *tr, struct unit *u)
{
    struct unit *trigger;

    UNIT_FOREACH_ATOM(trigger, u, ATOM_TRIGGERED_BY)
    {
        auto_op_error struct op_error why = { 0 };

        if (first_job(trigger))
            continue;
        int r = add(tr, JOB_STOP, trigger, tr->anchor, ADD_MATTERS, &why);
        if (r == -ENOMEM)
            return r;
        if (r < 0 && r != -EBADR)
            unit_log_text(u, LOG_WARNING, "Cannot add triggered by job, ignoring: %s",
                          strempty(why.message));
    }
    return 0;
}

/* ---- reducing it ---- */

static void find_what_matters(struct tjob *j, unsigned generation)
{
    if (j->generation == generation)
        return;
    j->generation = generation;
    j->matters_to_anchor = true;
    for (struct tlink *l = j->pulls; l; l = l->next_pulled)
        if (l->matters)
            find_what_matters(l->object, generation);
}

/* Mode fail: what does not matter to the anchor stops nothing that runs and replaces no job. */
static void minimize_impact(struct transaction *tr)
{
    for (struct tunit *t = tr->units; t; t = t->next)
        for (struct tjob *j = t->jobs, *next; j; j = next) {
            next = j->next;
            bool stops_running = j->type == JOB_STOP &&
                                 active_or_activating(unit_active_state(t->unit));
            bool changes_job = t->unit->job && j->type < JOB_NOP &&
                               !job_types_mergeable(j->type, t->unit->job->type);

            if (j->matters_to_anchor || (!stops_running && !changes_job))
                continue;
            transaction_delete_job(tr, j, true);
            /* That may have taken others of this unit along. */
            next = t->jobs;
        }
}

static void drop_redundant(struct transaction *tr)
{
    for (struct tunit *t = tr->units; t; t = t->next) {
        bool keep = false;

        for (struct tjob *j = t->jobs; j; j = j->next)
            keep |= j == tr->anchor ||
                    !job_type_is_redundant(j->type, unit_active_state(t->unit)) ||
                    (t->unit->job && j->type < JOB_NOP &&
                     !job_types_mergeable(j->type, t->unit->job->type));
        if (!keep)
            while (t->jobs)
                transaction_delete_job(tr, t->jobs, false);
    }
}

/* Drops what nobody pulls in any more, and what only that pulled in. */
static void collect_garbage(struct transaction *tr)
{
    bool again;

    do {
        again = false;
        for (struct tunit *t = tr->units; t; t = t->next)
            for (struct tjob *j = t->jobs, *next; j; j = next) {
                next = j->next;
                if (j == tr->anchor || j->pulled_by)
                    continue;
                /* What it pulled may stand earlier in the list. */
                again |= j->pulls != NULL;
                transaction_delete_job(tr, j, true);
                next = t->jobs;
            }
    } while (again);
}

static bool is_conflicted(const struct tjob *j)
{
    for (const struct tlink *l = j->pulled_by; l; l = l->next_puller)
        if (l->conflicts)
            return true;
    return false;
}

/* Which of two contradicting jobs goes: NULL if both matter. Stops rather than starts, unless the
 * stop is asked for by a Conflicts=. */
static struct tjob *choose_unmergeable(struct tjob *a, struct tjob *b)
{
    if (a->matters_to_anchor && b->matters_to_anchor)
        return NULL;
    if (a->matters_to_anchor != b->matters_to_anchor)
        return a->matters_to_anchor ? b : a;
    if (a->type == JOB_STOP)
        return is_conflicted(a) ? b : a;
    if (b->type == JOB_STOP)
        return is_conflicted(b) ? a : b;
    return a;
}

static int drop_one_unmergeable(struct transaction *tr, struct tunit *t)
{
    for (struct tjob *a = t->jobs; a; a = a->next)
        for (struct tjob *b = a->next; b; b = b->next) {
            if (job_types_mergeable(a->type, b->type))
                continue;
            struct tjob *victim = choose_unmergeable(a, b);
            if (!victim)
                return -EDEADLK;
            transaction_delete_job(tr, victim, true);
            return 0;
        }
    return -EDEADLK;
}

/* Leaves at most one job a unit. Returns -EAGAIN where a job had to be dropped. */
static int merge_jobs(struct transaction *tr, struct op_error *e)
{
    for (struct tunit *t = tr->units; t; t = t->next) {
        if (!t->jobs || !t->jobs->next)
            continue;
        enum active_state s = unit_active_state(t->unit);
        enum job_type type = t->jobs->type;

        for (struct tjob *j = t->jobs->next; j; j = j->next) {
            if (type >= JOB_NOP || j->type >= JOB_NOP) {
                type = type >= JOB_NOP ? j->type : type;
                continue;
            }
            if (job_type_merge_and_collapse(&type, j->type, s) >= 0)
                continue;
            if (drop_one_unmergeable(tr, t) >= 0)
                return -EAGAIN;
            return op_error_set(e, -EDEADLK, "TransactionJobsConflicting",
                                "Transaction contains conflicting jobs '%s' and '%s' for %s. "
                                "Probably contradicting requirement dependencies configured.",
                                job_type_name(t->jobs->type), job_type_name(j->type), t->unit->id);
        }
        t->merged_type = type;
    }

    for (struct tunit *t = tr->units; t; t = t->next) {
        struct tjob *keep = t->jobs;

        if (!keep || !keep->next)
            continue;
        for (struct tjob *j = t->jobs; j; j = j->next)
            if (j == tr->anchor)
                keep = j;
        for (struct tjob *j = t->jobs, *next; j; j = next) {
            next = j->next;
            if (j == keep)
                continue;
            keep->ignore_order |= j->ignore_order;
            keep->matters_to_anchor |= j->matters_to_anchor;
            transaction_move_links(keep, j);
            transaction_delete_job(tr, j, false);
        }
        keep->type = t->merged_type;
    }
    return 0;
}

void transaction_move_links(struct tjob *to, struct tjob *from)
{
    while (from->pulls) {
        struct tlink *l = from->pulls;

        from->pulls = l->next_pulled;
        l->subject = to;
        l->next_pulled = to->pulls;
        to->pulls = l;
    }
    while (from->pulled_by) {
        struct tlink *l = from->pulled_by;

        from->pulled_by = l->next_puller;
        l->object = to;
        l->next_puller = to->pulled_by;
        to->pulled_by = l;
    }
}

static int check_destructive(struct transaction *tr, enum job_mode mode, struct op_error *e)
{
    for (struct tunit *t = tr->units; t; t = t->next) {
        struct tjob *j = t->jobs;
        struct job *old = t->unit->job;

        if (!j || !old || j->type >= JOB_NOP || job_types_mergeable(old->type, j->type))
            continue;
        if (mode == JOB_MODE_FAIL || old->irreversible)
            return op_error_set(e, -EDEADLK, "TransactionIsDestructive",
                                "Transaction for %s/%s is destructive (%s has '%s' job queued, but "
                                "'%s' is included in transaction).",
                                tr->anchor->at->unit->id, job_type_name(tr->anchor->type),
                                t->unit->id, job_type_name(old->type), job_type_name(j->type));
    }
    return 0;
}

static int reduce(struct transaction *tr, enum job_mode mode, struct op_error *e)
{
    unsigned generation = 1;
    int r;

    find_what_matters(tr->anchor, generation++);
    if (mode == JOB_MODE_FAIL)
        minimize_impact(tr);
    drop_redundant(tr);

    for (;;) {
        if (mode != JOB_MODE_ISOLATE)
            collect_garbage(tr);
        r = transaction_verify_order(tr, &generation, e);
        if (r >= 0)
            break;
        if (r != -EAGAIN)
            return r;
    }
    for (;;) {
        r = merge_jobs(tr, e);
        if (r >= 0)
            break;
        if (r != -EAGAIN)
            return r;
        if (mode != JOB_MODE_ISOLATE)
            collect_garbage(tr);
    }
    drop_redundant(tr);
    return check_destructive(tr, mode, e);
}

/* ---- putting it in place ---- */

/* All jobs are made before the first is installed: after that nothing can fail. */
static int make_jobs(struct transaction *tr, bool irreversible)
{
    for (struct tunit *t = tr->units; t; t = t->next) {
        if (!t->jobs)
            continue;
        t->job = job_new(t->unit, t->jobs->type);
        if (!t->job) {
            for (struct tunit *made = tr->units; made != t; made = made->next)
                if (made->job)
                    job_free(made->job);
            return -ENOMEM;
        }
        t->job->ignore_order = t->jobs->ignore_order;
        t->job->irreversible = irreversible;
    }
    return 0;
}

static void cancel_all_others(struct transaction *tr, struct manager *m)
{
    struct job *j;
    size_t position = 0;

    while ((j = map_next(&m->jobs, &position, NULL)))
        if (!first_job(j->unit))
            job_finish(j, JOB_CANCELED, false, false);
}

static int apply(struct transaction *tr, struct manager *m, enum job_mode mode, struct job **ret,
                 struct op_error *e)
{
    int r = make_jobs(tr, mode == JOB_MODE_REPLACE_IRREVERSIBLY);

    if (r < 0)
        return op_error_set(e, r, "NoMemory", "Out of memory.");
    if (mode == JOB_MODE_ISOLATE || mode == JOB_MODE_FLUSH)
        cancel_all_others(tr, m);

    *ret = NULL;
    for (struct tunit *t = tr->units; t; t = t->next) {
        if (!t->job)
            continue;
        bool is_anchor = t->jobs == tr->anchor;
        struct job *j = job_install(t->job);

        job_add_to_run_queue(j);
        job_start_timer(j, false);
        if (is_anchor)
            *ret = j;
    }
    return 0;
}

int transaction_run(enum job_type type, struct unit *u, enum job_mode mode, struct job **ret,
                    struct op_error *e)
{
    struct manager *m = u->manager;
    struct transaction tr = { 0 };
    struct job *job = NULL;
    unsigned flags = ADD_MATTERS;

    manager_dispatch_load_queue(m);
    if (mode == JOB_MODE_IGNORE_DEPENDENCIES)
        flags |= ADD_IGNORE_REQUIREMENTS | ADD_IGNORE_ORDER;
    if (mode == JOB_MODE_IGNORE_REQUIREMENTS)
        flags |= ADD_IGNORE_REQUIREMENTS;
    if (mode == JOB_MODE_RESTART_DEPENDENCIES)
        flags |= ADD_START_AS_RESTART;

    type = job_type_collapse(type, unit_active_state(u));
    int r = add(&tr, type, u, NULL, flags, e);
    if (r >= 0 && mode == JOB_MODE_ISOLATE)
        r = add_isolate_jobs(&tr, m);
    if (r >= 0 && mode == JOB_MODE_TRIGGERING)
        r = add_triggering_jobs(&tr, u);
    if (r >= 0)
        r = reduce(&tr, mode, e);
    if (r >= 0)
        r = apply(&tr, m, mode, &job, e);
    transaction_done(&tr);
    if (r >= 0 && ret)
        *ret = job;
    return r;
}
