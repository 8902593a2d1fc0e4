/* base/alloc.h -- owning pointers and growing arrays.
 *
 * A failed allocation is an ordinary error (-ENOMEM): the manager has to survive it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/macro.h"

/* Frees what a `char *` or any other pointer variable holds at the end of its scope; keeps errno.
 */
#define auto_free _cleanup_(auto_free_p)
void auto_free_p(void *pointer_to_pointer);

/* Defines the cleanup function `auto_NAME_p` for a `type *` variable freed by `free_func`, to be
 * used as `_cleanup_(auto_NAME_p)`. NULL is never passed to free_func. */
#define DEFINE_AUTO(type, name, free_func) \
    static inline void auto_##name##_p(type **p) \
    { \
        if (*p) \
            free_func(*p); \
    }

/* Hands the pointer over: the variable is NULL afterwards. */
#define take_ptr(p) \
    ({ \
        __typeof__(p) *take_p = &(p); \
        __typeof__(p) take_v = *take_p; \
        *take_p = NULL; \
        take_v; \
    })

#define new0(type, n) ((type *) calloc((n), sizeof(type)))

/* Makes room for `need` elements in the array *p of *allocated elements of `size` bytes, at least
 * doubling it; new room is zeroed. Returns false, changing nothing, where memory is out.
 * Use as: if (!grow(&array, &allocated, n + 1)) return -ENOMEM; */
bool grow_array(void *pointer_to_array, size_t *allocated, size_t need, size_t size);
#define grow(p, allocated, need) grow_array((p), (allocated), (need), sizeof(**(p)))

/* For a process that runs for long: freed memory goes back to the system, where the C library would
 * keep as much as its largest buffer ever was. */
void alloc_return_memory(void);
/* For what has to be done and cannot be tried again later: waits a moment for memory to come back.
 * Returns false at once when *patience, which counts down from ALLOC_PATIENCE, is used up. */
#define ALLOC_PATIENCE 1000
bool alloc_wait(unsigned *patience);
/* What is free in between others goes back now: takes milliseconds in a large process. */
void alloc_trim(void);

/* A copy of n bytes with a terminating NUL added, or NULL. */
void *memdup0(const void *p, size_t n);
