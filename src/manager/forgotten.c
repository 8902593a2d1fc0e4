#include "manager/forgotten.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "manager/private.h"

struct forgotten {
    struct forgotten *next; /* newer */
    struct invocation_record *records;
    char name[];
};

static void forgotten_free(struct forgotten *f)
{
    while (f->records) {
        struct invocation_record *r = f->records;

        f->records = r->next;
        invocation_record_free(r);
    }
    free(f);
}

static void drop_oldest(struct manager *m)
{
    struct forgotten *f = m->forgotten_oldest;

    m->forgotten_oldest = f->next;
    if (!f->next)
        m->forgotten_newest = NULL;
    map_remove(&m->forgotten, f->name);
    forgotten_free(f);
}

int forgotten_keep(struct manager *m, const char *name, struct invocation_record *records)
{
    size_t n = strlen(name) + 1;
    struct forgotten *f = calloc(1, sizeof *f + n);

    if (!f)
        return -ENOMEM;
    memcpy(f->name, name, n);
    if (map_put(&m->forgotten, f->name, f) < 0) {
        free(f);
        return -ENOMEM;
    }
    f->records = records;
    if (m->forgotten_newest)
        m->forgotten_newest->next = f;
    else
        m->forgotten_oldest = f;
    m->forgotten_newest = f;
    if (m->forgotten.n > FORGOTTEN_MAX)
        drop_oldest(m);
    return 0;
}

struct invocation_record *forgotten_take(struct manager *m, const char *name)
{
    struct forgotten *f = map_remove(&m->forgotten, name), *before = NULL;

    if (!f)
        return NULL;
    for (struct forgotten **p = &m->forgotten_oldest; *p; before = *p, p = &(*p)->next)
        if (*p == f) {
            *p = f->next;
            if (m->forgotten_newest == f)
                m->forgotten_newest = before;
            break;
        }
    struct invocation_record *records = take_ptr(f->records);
    forgotten_free(f);
    return records;
}

const struct invocation_record *forgotten_find(const struct manager *m, const char *name)
{
    const struct forgotten *f = map_get(&m->forgotten, name);

    return f ? f->records : NULL;
}

void forgotten_done(struct manager *m)
{
    while (m->forgotten_oldest)
        drop_oldest(m);
    map_done(&m->forgotten);
}
