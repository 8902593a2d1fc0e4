/* bench/trace -- what the tracer costs the program that it watches.
 *
 *   trace [ROUNDS [CALLS]]
 *
 * Nanoseconds of one system call, as the program itself measures them: the least of ROUNDS (40) of
 * CALLS (5000), by turns alone, with the filter and without it: of the cheapest call there is
 * (getppid) and of one that does something (pread of 64 KiB from the page cache), both of which the
 * filter lets pass, and of one that fails and is kept (open of what is not there), which is
 * stopped. That there is any filter at all costs each call some 35 ns in the kernel, of the
 * cheapest a third, so the goal is for calls that do something. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/time.h"
#include "diagnose/trace.h"

#define GOAL 1.05

enum way { ALONE, FILTERED, SEIZED, WAY_MAX };
static const char *const ways[] = {
    [ALONE] = "alone",
    [FILTERED] = "traced, with the filter",
    [SEIZED] = "traced, without a filter",
};

enum kind { CHEAP, WORKING, STOPPED, KIND_MAX };

struct result {
    double ns[KIND_MAX];
};

static int file;

static void check(int r, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "trace: %s: %s\n", what, strerror(-r));
    exit(1);
}

static double clock_of(void (*call)(void), unsigned calls)
{
    struct timespec begin, end;

    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (unsigned i = 0; i < calls; i++)
        call();
    clock_gettime(CLOCK_MONOTONIC, &end);
    return ((double) (end.tv_sec - begin.tv_sec) * 1e9 + (double) (end.tv_nsec - begin.tv_nsec)) /
           calls;
}

static void call_that_is_cheap(void)
{
    (void) syscall(SYS_getppid);
}

static void call_that_works(void)
{
    static char buffer[65536];

    (void) !pread(file, buffer, sizeof buffer, 0);
}

static void call_that_fails(void)
{
    (void) !open("/etc/absent-file", O_RDONLY | O_CLOEXEC);
}

_noreturn_ static void run_child(int ready, int go, int answer, enum way way, unsigned calls)
{
    struct result r;
    char c = 0;

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (way == FILTERED && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        _exit(1);
    if (write(ready, &c, 1) != 1 || read(go, &c, 1) != 1)
        _exit(1);
    if (way == FILTERED && trace_filter_install() < 0)
        _exit(1);
    file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    (void) clock_of(call_that_is_cheap, calls); /* warm */
    r.ns[CHEAP] = clock_of(call_that_is_cheap, calls);
    r.ns[WORKING] = clock_of(call_that_works, calls / 4 + 1);
    r.ns[STOPPED] = clock_of(call_that_fails, calls / 10 + 1);
    _exit(write(answer, &r, sizeof r) == (ssize_t) sizeof r ? 0 : 1);
}

static struct result measure(enum way way, unsigned calls)
{
    struct tracer *t = NULL;
    struct result result = {};
    int ready[2], go[2], answer[2];
    char c = 0;

    if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0 || pipe2(answer, O_CLOEXEC) < 0)
        check(-errno, "pipe");
    pid_t pid = fork();
    if (pid == 0)
        run_child(ready[1], go[0], answer[1], way, calls);
    check(pid < 0 ? -errno : 0, "fork");
    check(read(ready[0], &c, 1) == 1 ? 0 : -EPIPE, "the child");
    if (way != ALONE) {
        check(tracer_new(&t), "tracer");
        check(tracer_seize(t, pid, way == FILTERED), "tracing");
    }
    check(write(go[1], &c, 1) == 1 ? 0 : -EPIPE, "the child");
    while (t && tracer_run(t, USEC_PER_SEC) > 0)
        ;
    close(answer[1]);
    check(read(answer[0], &result, sizeof result) == (ssize_t) sizeof result ? 0 : -EIO, ways[way]);
    if (!t)
        (void) waitpid(pid, NULL, 0);
    tracer_free(t);
    for (int i = 0; i < 2; i++) {
        close(ready[i]);
        close(go[i]);
    }
    close(answer[0]);
    return result;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned) atoi(argv[1]) : 40;
    unsigned calls = argc > 2 ? (unsigned) atoi(argv[2]) : 5000;
    auto_free double *values = new0(double, (size_t) KIND_MAX *WAY_MAX *(rounds ? rounds : 1));
    double ns[WAY_MAX][KIND_MAX];

    if (!values || rounds == 0)
        return 1;
    for (unsigned i = 0; i < rounds; i++)
        for (unsigned way = 0; way < WAY_MAX; way++) {
            struct result r = measure((enum way) way, calls);

            for (unsigned k = 0; k < KIND_MAX; k++)
                values[(way * KIND_MAX + k) * rounds + i] = r.ns[k];
        }
    printf("%-26s%10s%8s%14s%8s%16s\n", "nanoseconds of a call", "getppid", "", "pread 64 KiB", "",
           "failed open");
    for (unsigned way = 0; way < WAY_MAX; way++) {
        for (unsigned k = 0; k < KIND_MAX; k++) {
            double *v = values + (way * KIND_MAX + k) * rounds;

            qsort(v, rounds, sizeof *v, compare);
            ns[way][k] = *v;
        }
        printf("%-26s%10.0f%8.2f%14.0f%8.2f%16.0f", ways[way], ns[way][CHEAP],
               ns[way][CHEAP] / ns[ALONE][CHEAP], ns[way][WORKING],
               ns[way][WORKING] / ns[ALONE][WORKING], ns[way][STOPPED]);
        if (way == FILTERED)
            printf("  pread <= %.2f: %s", GOAL,
                   ns[way][WORKING] <= ns[ALONE][WORKING] * GOAL ? "yes" : "NO");
        putchar('\n');
    }
    printf("A stop costs %.1f us with the filter, %.1f us without one, and there every other call "
           "as well.\n",
           (ns[FILTERED][STOPPED] - ns[ALONE][STOPPED]) / 1e3,
           (ns[SEIZED][STOPPED] - ns[ALONE][STOPPED]) / 1e3);
    return 0;
}
