/* base/pool.h -- many small objects of one kind that live long.
 *
 * They lie close together, without the C library's word in front of each, and do not hold the pages
 * that shorter lives have left. Memory goes back when the last object does. */
#pragma once

#include <stddef.h>

struct pool_block;
struct pool {
    size_t size; /* of an object */
    size_t n_used;
    void *free; /* the first; each begins with a pointer to the next */
    struct pool_block *blocks;
};

/* For a type that is no smaller than a pointer: static struct pool edges = POOL_OF(struct edge); */
#define POOL_OF(type) \
    { \
        .size = sizeof(type) \
    }

/* A zeroed object, or NULL where memory is out. */
void *pool_take(struct pool *p);
/* NULL is allowed. */
void pool_give(struct pool *p, void *object);
