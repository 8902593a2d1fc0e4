/* unit/value-list.h -- freeing and copying lists of structs that begin with `next`.
 *
 * LIST_FUNCTIONS(tag, free_members, copy_members) defines clear_TAG() and copy_TAG() for value
 * types whose value is a `struct TAG *`. The statements see the item as `i`; those of the copy have
 * the new one, a shallow copy, as `n` and set `ok` to false where memory is out. */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define LIST_FUNCTIONS(tag, free_members, copy_members) \
    static void clear_##tag(void *v) \
    { \
        struct tag *i = *(struct tag **) v; \
        while (i) { \
            struct tag *next = i->next; \
            free_members; \
            free(i); \
            i = next; \
        } \
    } \
    static int copy_##tag(void *to, const void *from) \
    { \
        struct tag *head = NULL, **end = &head; \
        for (const struct tag *i = *(struct tag *const *) from; i; i = i->next) { \
            struct tag *n = new0(struct tag, 1); \
            bool ok = n; \
            if (n) { \
                *n = *i; \
                n->next = NULL; \
                *end = n; \
                end = &n->next; \
                copy_members; \
            } \
            if (!ok) { \
                clear_##tag(&head); \
                return -ENOMEM; \
            } \
        } \
        *(struct tag **) to = head; \
        return 0; \
    }
#define COPY_STRING(member) \
    if (i->member && !(n->member = strdup(i->member))) \
    ok = false
#define APPEND(list_pointer, item) \
    do { \
        __typeof__(item) *append_end = (list_pointer); \
        while (*append_end) \
            append_end = &(*append_end)->next; \
        *append_end = (item); \
    } while (0)
