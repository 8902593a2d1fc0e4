#include "base/alloc.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void auto_free_p(void *pointer_to_pointer)
{
    void **p = pointer_to_pointer;
    int saved = errno;

    free(*p);
    errno = saved;
}

bool grow_array(void *pointer_to_array, size_t *allocated, size_t need, size_t size)
{
    void **array = pointer_to_array;

    if (need <= *allocated)
        return true;

    size_t want = MAX(need, *allocated * 2);
    want = MAX(want, (size_t) 4);
    if (want < need || want > SIZE_MAX / size)
        return false;

    char *bigger = realloc(*array, want * size);
    if (!bigger)
        return false;

    memset(bigger + *allocated * size, 0, (want - *allocated) * size);
    *array = bigger;
    *allocated = want;
    return true;
}

void alloc_return_memory(void)
{
#ifdef M_MMAP_THRESHOLD
    /* Set once, glibc's limits no longer grow with the largest buffer that was freed. */
    (void) mallopt(M_MMAP_THRESHOLD, 128 << 10);
    (void) mallopt(M_TRIM_THRESHOLD, 128 << 10);
#endif
}

bool alloc_wait(unsigned *patience)
{
    static const struct timespec moment = { .tv_nsec = 10 * 1000 * 1000 };

    if (*patience == 0)
        return false;
    --*patience;
    (void) nanosleep(&moment, NULL);
    return true;
}

void alloc_trim(void)
{
#ifdef M_TRIM_THRESHOLD
    (void) malloc_trim(0);
#endif
}

void *memdup0(const void *p, size_t n)
{
    char *copy = malloc(n + 1);

    if (!copy)
        return NULL;
    if (n > 0)
        memcpy(copy, p, n);
    copy[n] = 0;
    return copy;
}

void unreachable_reached(const char *file, int line)
{
    fprintf(stderr, "%s:%d: reached the unreachable\n", file, line);
    abort();
}
