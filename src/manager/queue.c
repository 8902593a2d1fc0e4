#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "event/event.h"
#include "manager/private.h"

/* The arrays are used as lines that start again at 0 once they are empty: everything queued is
 * worked off in one go, so that the free room in front does not matter. */
static int reserve(struct unit_queue *q, size_t units)
{
    size_t want = q->end - q->begin + units;

    if (q->allocated >= want + q->begin)
        return 0;

    size_t n = MAX(want + want / 2, (size_t) 64);
    struct unit **units_new = reallocarray(q->units, n + q->begin, sizeof(struct unit *));
    if (!units_new)
        return -ENOMEM;
    q->units = units_new;
    q->allocated = n + q->begin;
    return 0;
}

int unit_queue_reserve(struct manager *m)
{
    for (unsigned i = 0; i < QUEUE_MAX; i++) {
        struct unit_queue *q = &m->queues[i];

        /* A unit may be taken and queued again for as long as the queue is being worked off: room
         * for twice as many makes the compaction in unit_queue_add() rare. */
        if (q->allocated >= ((size_t) m->n_units + 1) * 2)
            continue;
        if (reserve(q, ((size_t) m->n_units + 1) * 2 - (q->end - q->begin)) < 0)
            return -ENOMEM;
    }
    return 0;
}

static void compact(struct unit_queue *q)
{
    for (size_t i = q->begin; i < q->end; i++)
        q->units[i - q->begin] = q->units[i];
    q->end -= q->begin;
    q->begin = 0;
}

void unit_queue_add(struct unit *u, enum queue queue)
{
    struct unit_queue *q = &u->manager->queues[queue];

    if (u->queued & (1u << queue))
        return;
    if (q->end == q->allocated)
        compact(q);
    if (q->end == q->allocated)
        return; /* cannot be: unit_queue_reserve() made room for each unit */
    u->queued |= (uint8_t) (1u << queue);
    q->units[q->end++] = u;
    manager_work_pending(u->manager);
}

struct unit *unit_queue_take(struct manager *m, enum queue queue)
{
    struct unit_queue *q = &m->queues[queue];

    while (q->begin < q->end) {
        struct unit *u = q->units[q->begin++];

        if (q->begin == q->end)
            q->begin = q->end = 0;
        if (!u)
            continue;
        u->queued &= (uint8_t) ~(1u << queue);
        return u;
    }
    return NULL;
}

void unit_queue_remove_all(struct unit *u)
{
    for (unsigned i = 0; i < QUEUE_MAX; i++) {
        struct unit_queue *q = &u->manager->queues[i];

        if (!(u->queued & (1u << i)))
            continue;
        for (size_t k = q->begin; k < q->end; k++)
            if (q->units[k] == u)
                q->units[k] = NULL;
    }
    u->queued = 0;
}

void unit_queue_done(struct unit_queue *q)
{
    free(q->units);
    *q = (struct unit_queue){ 0 };
}

void manager_work_pending(struct manager *m)
{
    if (m->work)
        event_source_enable(m->work);
}
