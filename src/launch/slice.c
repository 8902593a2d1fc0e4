/* launch/slice.c -- how soon the manager has its turn on a busy processor. */
#include "launch/slice.h"

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Not <linux/sched/types.h>: it and <sched.h> define the same struct. */
#define POLICY_OTHER 0U
#define RESET_ON_FORK 1ULL
#define SLICE_NSEC (100UL * 1000) /* the shortest that there is */

struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

void slice_shorten(void)
{
    struct attributes a = { 0 };

    if (syscall(SYS_sched_getattr, 0, &a, sizeof a, 0) < 0 || a.policy != POLICY_OTHER ||
        a.nice < 0)
        return;
    a.size = sizeof a;
    a.flags = RESET_ON_FORK;
    a.runtime = SLICE_NSEC;
    (void) syscall(SYS_sched_setattr, 0, &a, 0);
}
