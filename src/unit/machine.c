#include "unit/machine.h"

#include <sched.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"

/* A number out of a file; UINT64_MAX where there is none ("max"). */
static uint64_t read_number(const char *path)
{
    auto_free char *text = NULL;
    uint64_t n;

    if (file_read_line(path, &text) < 0 || parse_u64(text, &n) < 0)
        return UINT64_MAX;
    return n;
}

uint64_t machine_memory(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    uint64_t memory = pages > 0 && size > 0 ? (uint64_t) pages * (uint64_t) size : UINT64_MAX;
    uint64_t limit = read_number("/sys/fs/cgroup/memory.max");

    return MIN(memory, limit);
}

uint64_t machine_tasks(void)
{
    uint64_t pids = read_number("/proc/sys/kernel/pid_max");
    uint64_t threads = read_number("/proc/sys/kernel/threads-max");
    uint64_t limit = read_number("/sys/fs/cgroup/pids.max");

    uint64_t kernel = MIN(pids, threads);

    return MIN(kernel, limit);
}

unsigned machine_cpus(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) >= 0)
        return (unsigned) CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (unsigned) n : 1;
}
