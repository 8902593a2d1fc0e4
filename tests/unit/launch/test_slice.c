/* Who asked for short turns forks processes that have the ordinary ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "launch/slice.h"

struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

static struct attributes now(void)
{
    struct attributes a = { 0 };

    assert_int_equal(syscall(SYS_sched_getattr, 0, &a, sizeof a, 0), 0);
    return a;
}

/* In a process of its own: what reset-on-fork has set, only root may take back. */
static void in_child(int nice_level, void (*test)(int))
{
    pid_t pid = fork();
    int status = -1;

    assert_true(pid >= 0);
    if (pid == 0) {
        if (setpriority(PRIO_PROCESS, 0, nice_level) < 0)
            _exit(77);
        test(nice_level);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(status, 0);
}

static void shortened(int nice_level)
{
    struct attributes before = now(), after;
    int status = -1;

    slice_shorten();
    after = now();
    /* A kernel that does not know of turns says 0. */
    if (after.nice != nice_level || (after.runtime != 0 && after.runtime >= before.runtime))
        _exit(1);
    pid_t pid = fork();
    if (pid == 0) {
        struct attributes own = now();

        _exit(memcmp(&own, &before, sizeof own) == 0 ? 0 : 2);
    }
    if (waitpid(pid, &status, 0) != pid || status != 0)
        _exit(3);
}

static void left_alone(int nice_level)
{
    struct attributes before = now(), after;

    (void) nice_level;
    slice_shorten();
    after = now();
    _exit(memcmp(&after, &before, sizeof after) == 0 ? 0 : 1);
}

static void ordinary(void **state)
{
    (void) state;
    in_child(0, shortened);
}

static void nicer(void **state)
{
    (void) state;
    in_child(7, shortened);
}

static void less_nice(void **state)
{
    (void) state;
    in_child(-3, left_alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(ordinary), cmocka_unit_test(nicer),
                                        cmocka_unit_test(less_nice) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
