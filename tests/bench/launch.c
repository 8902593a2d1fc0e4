/* bench/launch -- how long a launch takes, beside posix_spawn(3) of the same program.
 *
 *   launch [ROUNDS [UNITS...]]
 *
 * With so many units loaded (500 and 10000), from the call until the program is executed: the
 * median of ROUNDS (500), for a plain unit and for one with another user, whose
 * process has to be forked. Needs root and a cgroup tree that can be written. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/time.h"
#include "launch/spawn.h"
#include "unit/command.h"
#include "unit/config.h"
#include "unit/directive.h"

#define PROGRAM "/bin/true"

extern char **environ;

struct bench {
    struct track_host host;
    struct spawn_manager manager;
    struct tracker *tracker;
    struct exec_command *command;
};

static void check(int r, const char *what)
{
    if (r >= 0)
        return;
    fprintf(stderr, "launch: %s: %s\n", what, strerror(-r));
    exit(1);
}

static struct unit_config *make_unit(const char *name, const char *user)
{
    const char *const settings[][3] = {
        { "Unit", "Description", "A service among many others" },
        { "Service", "Restart", "on-failure" },
        { "Service", "ExecStart", PROGRAM },
        { "Service", "User", user },
    };
    struct unit_config *c = NULL;

    check(unit_config_new(name, NULL, &c), name);
    for (size_t i = 0; i < ELEMENTSOF(settings); i++)
        if (*settings[i][2])
            check(directive_set(c,
                                directive_find(UNIT_SERVICE, settings[i][0], settings[i][1], NULL),
                                settings[i][2]),
                  settings[i][1]);
    return c;
}

static void load_units(unsigned n)
{
    static unsigned loaded;

    for (; loaded < n; loaded++) {
        auto_free char *name = NULL;

        check(asprintf(&name, "unit-%u.service", loaded), "asprintf");
        (void) make_unit(name, "");
        /* What the manager itself keeps of a unit: its state, names, dependencies. */
        char *state = malloc(1536);
        if (state)
            memset(state, 1, 1536);
    }
}

static void wait_end(int fd, pid_t pid)
{
    struct pollfd p = { fd, 0, 0 };

    while (poll(&p, 1, -1) < 0 || !(p.revents & POLLHUP))
        ;
    close(fd);
    while (waitpid(pid, NULL, __WNOTHREAD) < 0)
        ;
}

static double by_spawn(struct bench *b, const struct unit_config *c)
{
    struct spawn_request q = { .manager = &b->manager,
                               .config = c,
                               .unit = "bench.service",
                               .command = b->command,
                               .phase = SPAWN_START,
                               .tracker = b->tracker,
                               .stream_fd = -1,
                               .stderr_stream_fd = -1,
                               .socket_fd = -1,
                               .idle_fd = -1 };
    struct spawn s;
    usec_t begin = now_usec(CLOCK_MONOTONIC);

    check(spawn_start(&q, &s), "spawn_start");
    struct pollfd p = { s.report_fd, 0, 0 };
    while (poll(&p, 1, -1) < 0 || !(p.revents & POLLHUP))
        ;
    double took = (double) (now_usec(CLOCK_MONOTONIC) - begin);
    wait_end(s.report_fd, s.pid);
    close(s.pidfd);
    return took;
}

static double by_posix_spawn(void)
{
    char *argv[] = { (char *) PROGRAM, NULL };
    int end[2];
    pid_t pid;
    usec_t begin = now_usec(CLOCK_MONOTONIC);

    check(pipe2(end, O_CLOEXEC), "pipe2");
    check(-posix_spawn(&pid, PROGRAM, NULL, NULL, argv, environ), "posix_spawn");
    close(end[1]);
    struct pollfd p = { end[0], 0, 0 };
    while (poll(&p, 1, -1) < 0 || !(p.revents & POLLHUP))
        ;
    double took = (double) (now_usec(CLOCK_MONOTONIC) - begin);
    wait_end(end[0], pid);
    return took;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, compare);
    return values[n / 2];
}

static void measure(struct bench *b, unsigned units, size_t rounds)
{
    struct unit_config *plain = make_unit("bench.service", ""),
                       *user = make_unit("bench.service", "daemon");
    double *times[3];

    load_units(units);
    for (size_t i = 0; i < ELEMENTSOF(times); i++)
        times[i] = new0(double, rounds);
    for (size_t i = 0; i < rounds; i++) {
        times[0][i] = by_posix_spawn();
        times[1][i] = by_spawn(b, plain);
    }
    /* Apart: after a fork the pages of both are copied when they are written to. */
    for (size_t i = 0; i < rounds; i++)
        times[2][i] = by_spawn(b, user);
    double base = median(times[0], rounds), one = median(times[1], rounds),
           two = median(times[2], rounds);
    printf(
        "%u units: posix_spawn %.0f us, a plain unit %.0f us (%.2f), with User= %.0f us (%.2f)\n",
        units, base, one, one / base, two, two / base);
    fflush(stdout);
    for (size_t i = 0; i < ELEMENTSOF(times); i++)
        free(times[i]);
    unit_config_free(plain);
    unit_config_free(user);
}

static void ignore_empty(struct tracker *t, void *userdata)
{
    (void) t;
    (void) userdata;
}

int main(int argc, char *argv[])
{
    const struct track_events events = { ignore_empty, NULL };
    struct bench b = { 0 };
    struct command_fault fault;
    size_t rounds = argc > 1 ? (size_t) atoi(argv[1]) : 500;

    /* Before whatever else runs here: a child in a session of its own waits for its turn. */
    (void) sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ .sched_priority = 1 });
    check(track_host_init(&b.host, NULL, true, &events, &b, NULL), "track_host_init");
    b.manager = (struct spawn_manager){ .policy = SANDBOX_HOST,
                                        .tracking = &b.host,
                                        .reeve_dir = "/run",
                                        .runtime_prefix = "/run",
                                        .default_timer_slack_nsec = USEC_INFINITY,
                                        .default_oom_score_adjust = INT_MIN,
                                        .console_fd = -1 };
    check(commands_parse(PROGRAM, NULL, &b.command, &fault), "command");
    check(tracker_new(&b.host, "bench.service", NULL, NULL, &b.tracker), "tracker_new");
    check(tracker_realize(b.tracker), "tracker_realize");
    if (argc > 2) {
        for (int i = 2; i < argc; i++)
            measure(&b, (unsigned) atoi(argv[i]), rounds);
    } else {
        measure(&b, 500, rounds);
        measure(&b, 10000, rounds);
    }
    (void) tracker_remove(b.tracker);
    tracker_free(b.tracker);
    commands_free(b.command);
    track_host_done(&b.host);
    return 0;
}
