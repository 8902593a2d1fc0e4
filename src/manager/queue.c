#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "event/event.h"
#include "manager/private.h"

/* The arrays are rings. A unit is in one at most once, so that room for each unit is enough; those
 * that were freed while they waited leave holes, which are closed when the room is needed. */
static struct unit **entry(struct unit_queue *q, size_t i)
{
    size_t at = q->begin + i;

    return &q->units[at < q->allocated ? at : at - q->allocated];
}

static int reserve(struct unit_queue *q, size_t want)
{
    if (q->allocated >= want)
        return 0;

    size_t n = MAX(want + want / 8, (size_t) 64);
    struct unit **units = malloc(n * sizeof(struct unit *));
    if (!units)
        return -ENOMEM;
    for (size_t i = 0; i < q->n; i++)
        units[i] = *entry(q, i);
    free(q->units);
    q->units = units;
    q->allocated = n;
    q->begin = 0;
    return 0;
}

int unit_queue_reserve(struct manager *m)
{
    for (unsigned i = 0; i < QUEUE_MAX; i++)
        if (reserve(&m->queues[i], (size_t) m->n_units + 1) < 0)
            return -ENOMEM;
    return 0;
}

static void close_holes(struct unit_queue *q)
{
    size_t n = 0;

    for (size_t i = 0; i < q->n; i++)
        if (*entry(q, i))
            *entry(q, n++) = *entry(q, i);
    q->n = n;
}

void unit_queue_add(struct unit *u, enum queue queue)
{
    struct unit_queue *q = &u->manager->queues[queue];

    if (u->queued & (1u << queue))
        return;
    if (q->n == q->allocated)
        close_holes(q);
    if (q->n == q->allocated)
        return; /* cannot be: unit_queue_reserve() made room for each unit */
    u->queued |= (uint8_t) (1u << queue);
    *entry(q, q->n++) = u;
    manager_work_pending(u->manager);
}

struct unit *unit_queue_take(struct manager *m, enum queue queue)
{
    struct unit_queue *q = &m->queues[queue];

    while (q->n > 0) {
        struct unit *u = *entry(q, 0);

        q->n--;
        q->begin = q->begin + 1 < q->allocated ? q->begin + 1 : 0;
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

        for (size_t k = 0; u->queued & (1u << i) && k < q->n; k++)
            if (*entry(q, k) == u)
                *entry(q, k) = NULL;
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
