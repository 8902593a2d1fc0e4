/* Forgetting units that are inactive and that nothing refers to (systemd.unit(5), CollectMode=, and
 * "UNIT GARBAGE COLLECTION"). */
#include "manager/private.h"
#include "unit/config.h"

/* unit->gc_marker is the number of the sweep plus what it found. */
enum { IN_PATH, UNSURE, GOOD, BAD, MARKS };

static bool may_be_forgotten(struct unit *u)
{
    enum active_state s = unit_active_state(u);

    if (u->job || u->nop_job || u->perpetual || u->ref_count > 0)
        return false;
    if (u->load_state == LOAD_MERGED)
        return true;
    if (u->config && u->config->unit->collect_mode == COLLECT_MODE_INACTIVE_OR_FAILED) {
        if (!inactive_or_failed(s))
            return false;
    } else if (s != ACTIVE_INACTIVE)
        return false;
    /* Processes that outlived it (KillMode=process) can still be seen and killed. */
    if (u->ops->has_processes && u->tracker && !tracker_is_empty(u->tracker))
        return false;
    return !u->ops->keeps || !u->ops->keeps(u);
}

/* A unit stays while something that stays refers to it; units that only refer to each other go. */
static void sweep(struct unit *u, uint32_t base)
{
    struct unit *other;
    bool bad = true;

    if (u->gc_marker >= base && u->gc_marker < base + MARKS)
        return;
    if (!may_be_forgotten(u)) {
        u->gc_marker = base + GOOD;
        return;
    }
    u->gc_marker = base + IN_PATH;
    UNIT_FOREACH_KIND(other, u, DEP_BIT(DEP_REFERENCED_BY))
    {
        sweep(other, base);
        if (other->gc_marker == base + GOOD) {
            u->gc_marker = base + GOOD;
            return;
        }
        if (other->gc_marker != base + BAD)
            bad = false;
    }
    u->gc_marker = base + (bad ? BAD : UNSURE);
}

void manager_dispatch_gc_queue(struct manager *m)
{
    struct unit *u;

    if (m->gc_marker > UINT32_MAX / 2) {
        MANAGER_FOREACH_UNIT(u, m)
        u->gc_marker = 0;
        m->gc_marker = 0;
    }
    while ((u = unit_queue_take(m, QUEUE_GC))) {
        struct unit *other;

        /* Each entry has marks of its own: what is unsure for one, since it was met within a ring,
         * may be good for the next. At the entry itself all that it hangs from has been seen. */
        m->gc_marker += MARKS;
        sweep(u, m->gc_marker);
        if (u->gc_marker == m->gc_marker + GOOD)
            continue;
        UNIT_FOREACH_KIND(other, u, DEP_BIT(DEP_REFERENCES))
        unit_queue_add(other, QUEUE_GC);
        unit_free(u);
    }
}
