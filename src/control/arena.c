#include "control/arena.h"

#include <errno.h>
#include <stdalign.h>
#include <stdint.h>
#include <sys/mman.h>

#include <jansson.h>

/* What stays resident after a release; the rest goes back to the kernel. */
#define KEEP_BYTES ((size_t) 64 << 10)

static struct {
    char *base;
    size_t size, used, high; /* high: most in use since memory was last given back */
} arena;

static void *arena_malloc(size_t n)
{
    const size_t align = alignof(max_align_t);
    void *p;

    if (n > arena.size)
        return NULL;
    n = (n + align - 1) & ~(align - 1);
    if (n > arena.size - arena.used)
        return NULL;
    p = arena.base + arena.used;
    arena.used += n;
    if (arena.used > arena.high)
        arena.high = arena.used;
    return p;
}

static void arena_free(void *p)
{
}

int json_arena_install(size_t size)
{
    if (arena.base)
        return 0;

    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return -ENOMEM;
    arena.base = base;
    arena.size = size;
    json_set_alloc_funcs(arena_malloc, arena_free);
    return 0;
}

size_t json_arena_mark(void)
{
    return arena.used;
}

void json_arena_release(size_t mark)
{
    if (!arena.base)
        return;
    arena.used = mark;
    if (mark == 0 && arena.high > KEEP_BYTES) {
        madvise(arena.base + KEEP_BYTES, arena.high - KEEP_BYTES, MADV_DONTNEED);
        arena.high = KEEP_BYTES;
    }
}
