#include "base/pool.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 8000 /* with what malloc() adds, not quite two pages */

struct pool_block {
    struct pool_block *next;
    char objects[];
};

static int add_block(struct pool *p)
{
    struct pool_block *b = malloc(BLOCK_BYTES);

    if (!b)
        return -1;
    b->next = p->blocks;
    p->blocks = b;
    for (size_t n = (BLOCK_BYTES - sizeof *b) / p->size; n-- > 0;) {
        void **object = (void **) (void *) (b->objects + n * p->size);

        *object = p->free;
        p->free = object;
    }
    return 0;
}

void *pool_take(struct pool *p)
{
    if (!p->free && add_block(p) < 0)
        return NULL;
    void **object = p->free;
    p->free = *object;
    p->n_used++;
    return memset(object, 0, p->size);
}

void pool_give(struct pool *p, void *object)
{
    if (!object)
        return;
    *(void **) object = p->free;
    p->free = object;
    if (--p->n_used > 0)
        return;
    while (p->blocks) {
        struct pool_block *b = p->blocks;

        p->blocks = b->next;
        free(b);
    }
    p->free = NULL;
}
