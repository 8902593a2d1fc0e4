/* Preloaded into the manager: allocations fail where the test asks for it, by way of a page that
 * both have mapped. Only PID 1 is concerned: children of the manager and services go on as always.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE "/run/failing-malloc"

/* As test_out_of_memory.py has it. */
struct page {
    volatile uint64_t begin;  /* this allocation from now on fails, the first being 1; 0: none */
    volatile uint64_t length; /* and so many from then on */
    volatile uint64_t seen;   /* allocations since `begin` was set */
    volatile uint64_t failed; /* how many failed */
    uint64_t where[16];       /* who asked for the first one: return addresses */
};
static struct page *page;
static int busy;

extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t alignment, size_t n);

__attribute__((constructor)) static void open_page(void)
{
    void *ready[2];

    if (syscall(SYS_getpid) != 1)
        return;
    (void) backtrace(ready, 2); /* loads what it needs */
    int fd = open(PAGE, O_RDWR | O_CLOEXEC | O_CREAT, 0600);
    if (fd < 0 || ftruncate(fd, sizeof *page) < 0)
        return;
    void *p = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (p != MAP_FAILED)
        page = p;
}

static int fails(void)
{
    if (!page || !page->begin || busy || syscall(SYS_getpid) != 1)
        return 0;
    uint64_t n = ++page->seen;
    if (n < page->begin || n >= page->begin + page->length)
        return 0;
    if (page->failed++ == 0) {
        busy = 1;
        (void) backtrace((void **) page->where, 16);
        busy = 0;
    }
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t n)
{
    return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
    return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
    return n > 0 && fails() ? NULL : __libc_realloc(p, n);
}

void *reallocarray(void *p, size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(p, bytes);
}

void *aligned_alloc(size_t alignment, size_t n)
{
    return fails() ? NULL : __libc_memalign(alignment, n);
}
