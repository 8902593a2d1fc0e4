/* Who is told of changes: the control interface, `reeve up`. */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "manager/checkpoint.h"
#include "manager/private.h"

int manager_watch_add(struct manager *m, manager_watch_fn fn, void *userdata,
                      struct manager_watch **ret)
{
    struct manager_watch *w = new0(struct manager_watch, 1);

    if (!w)
        return -ENOMEM;
    *w = (struct manager_watch){ .manager = m, .next = m->watches, .fn = fn, .userdata = userdata };
    m->watches = w;
    *ret = w;
    return 0;
}

/* A watch that ends itself while it is called is freed when nobody walks the list any more. */
static void sweep(struct manager *m)
{
    for (struct manager_watch **p = &m->watches; *p;) {
        struct manager_watch *w = *p;

        if (!w->dead) {
            p = &w->next;
            continue;
        }
        *p = w->next;
        free(w);
    }
}

struct manager_watch *manager_watch_free(struct manager_watch *w)
{
    if (!w)
        return NULL;
    w->dead = true;
    if (w->manager->watch_depth == 0)
        sweep(w->manager);
    return NULL;
}

void manager_tell(struct manager *m, enum manager_event ev, struct unit *u, struct job *j)
{
    bool swept = false;

    m->watch_depth++;
    for (struct manager_watch *w = m->watches; w; w = w->next) {
        if (!w->dead)
            w->fn(ev, u, j, w->userdata);
        swept |= w->dead;
    }
    if (--m->watch_depth == 0 && swept)
        sweep(m);
}

void manager_save_changed(struct manager *m)
{
    struct unit *u;

    while ((u = unit_queue_take(m, QUEUE_SAVE)))
        if (u->load_state != LOAD_MERGED)
            checkpoint_unit(m, u, false);
    checkpoint_flush(m);
}

unsigned manager_dispatch_changed(struct manager *m)
{
    struct unit *u;
    unsigned n = 0;

    manager_save_changed(m);
    while ((u = unit_queue_take(m, QUEUE_CHANGED))) {
        if (u->load_state == LOAD_MERGED)
            continue;
        n++;
        if (m->watches)
            manager_tell(m, EVENT_UNIT_CHANGED, u, NULL);
    }
    return n;
}
