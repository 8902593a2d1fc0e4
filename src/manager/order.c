/* Cycles in the order of a transaction's jobs. */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "manager/origin.h"
#include "manager/private.h"
#include "manager/transaction_private.h"

/* What the order of jobs looks at: of the transaction, or, for units without a job in it, of the
 * job that is installed. */
struct view {
    enum job_type type;
    bool ignore_order;
};

static bool view_of(const struct unit *u, struct view *ret)
{
    const struct tunit *t = transaction_unit(u);

    if (t && t->jobs)
        *ret = (struct view){ t->jobs->type, t->jobs->ignore_order };
    else if (u->job)
        *ret = (struct view){ u->job->type, u->job->ignore_order };
    else
        return false;
    return true;
}

/* Whether a's job runs before b's, where b is ordered after a (`after`), or before it. A stop comes
 * first whatever the order says; if both stop, the order is reversed. */
static bool runs_before(struct view a, struct view b, bool after)
{
    if (a.type == JOB_NOP || b.type == JOB_NOP || a.ignore_order || b.ignore_order)
        return false;
    if (after)
        return b.type != JOB_STOP && b.type != JOB_RESTART;
    return a.type == JOB_STOP || a.type == JOB_RESTART;
}

static const char *type_at(const struct tunit *t)
{
    struct view v;

    return view_of(t->unit, &v) ? job_type_name(v.type) : "nop";
}

/* Names the edges backwards along the markers, from `last`, which closes the cycle, to `first`. */
static void tell_cycle(struct tunit *first, struct tunit *last, const struct tunit *victim)
{
    auto_strbuf struct strbuf ids = { 0 };
    struct tunit *after = first;

    unit_log_text(first->unit, LOG_ERR, "Found ordering cycle on %s/%s", first->unit->id,
                  type_at(first));
    for (struct tunit *t = last; t; t = t->marker) {
        auto_free char *origin = NULL;

        (void) order_origin(t->unit, after->unit, &origin);
        unit_log_text(first->unit, LOG_ERR, "Found dependency on %s/%s (%s)", t->unit->id,
                      type_at(t), origin ? origin : "origin unknown");
        strbuf_addf(&ids, "%s%s", ids.length ? " " : "", t->unit->id);
        after = t;
        if (t == first)
            break;
    }
    if (victim)
        unit_log(first->unit, MSG_ORDER_CYCLE, 0, "DELETED_UNIT", victim->unit->id, "JOB_TYPE",
                 type_at(victim), "CYCLE_START", first->unit->id, "CYCLE", strbuf_text(&ids), NULL);
    else
        unit_log_text(first->unit, LOG_ERR, "Unable to break cycle starting with %s/%s",
                      first->unit->id, type_at(first));
}

static int break_cycle(struct transaction *tr, struct tunit *first, struct tunit *last,
                       struct op_error *e)
{
    struct tunit *victim = NULL;

    for (struct tunit *t = last; t; t = t->marker) {
        if (t->jobs && !t->jobs->matters_to_anchor) {
            victim = t;
            break;
        }
        if (t == first)
            break;
    }
    tell_cycle(first, last, victim);
    if (victim) {
        transaction_delete_unit(tr, victim);
        return -EAGAIN;
    }
    return op_error_set(e, -ELOOP, "TransactionOrderIsCyclic",
                        "Transaction order is cyclic. See system logs for details.");
}

/* Depth first along "runs before". A unit with a marker is on the path from the start. */
static int visit(struct transaction *tr, struct tunit *t, struct tunit *from, unsigned generation,
                 struct op_error *e)
{
    struct view own, others;
    uint32_t position = 0;
    struct unit *other;

    if (t->generation == generation)
        return t->marker ? break_cycle(tr, t, from, e) : 0;
    if (!view_of(t->unit, &own))
        return 0;
    t->marker = from ? from : t;
    t->generation = generation;

    while (
        (other = dependency_next(t->unit, DEP_BIT(DEP_BEFORE) | DEP_BIT(DEP_AFTER), &position))) {
        if (!view_of(other, &others))
            continue;
        /* Both at once is a cycle of two. */
        bool before = dependency_has(t->unit, DEP_BIT(DEP_BEFORE), other) &&
                      runs_before(own, others, true);
        bool after = dependency_has(t->unit, DEP_BIT(DEP_AFTER), other) &&
                     runs_before(own, others, false);
        if (!before && !after)
            continue;
        struct tunit *o = transaction_add_unit(tr, other);
        if (!o)
            return op_error_set(e, -ENOMEM, "NoMemory", "Out of memory.");
        int r = visit(tr, o, t, generation, e);
        if (r < 0)
            return r;
    }
    t->marker = NULL;
    return 0;
}

int transaction_verify_order(struct transaction *tr, unsigned *generation, struct op_error *e)
{
    unsigned g = (*generation)++;

    /* visit() puts units in front of the list, which this loop so does not see; they have no jobs
     * of this transaction and are visited from those that have. */
    for (struct tunit *t = tr->units; t; t = t->next) {
        if (!t->jobs)
            continue;
        int r = visit(tr, t, NULL, g, e);
        if (r < 0)
            return r;
    }
    return 0;
}
