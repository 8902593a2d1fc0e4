/* Trackers, both kinds: whose processes are whose, killing all of them, the end of the last one; a
 * holder that loses its manager is found by the next. */
#include "launch_fixture.h"

#include <errno.h>

struct running {
    struct fixture f;
    struct unit_config *config;
    struct exec_command *command;
    struct spawn_runtime *runtime;
    struct tracker *t;
    struct spawn s;
    int output;
};

/* Starts a shell script and waits for its first line. */
static void start(struct running *x, bool holders, const char *script)
{
    struct command_fault fault;
    int output[2];
    auto_free char *line = format("/bin/sh -c '%s'", script);
    char byte;

    memset(x, 0, sizeof *x);
    fixture_init(&x->f, holders);
    current = &x->f;
    x->config = make_config(&x->f, "");
    assert_int_equal(commands_parse(line, NULL, &x->command, &fault), 0);
    assert_int_equal(tracker_new(&x->f.host, "tested.service", "a-b.slice", NULL, &x->t), 0);
    assert_true(tracker_realize(x->t) >= 0);
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    struct spawn_request q = { .manager = &x->f.manager,
                               .config = x->config,
                               .unit = "tested.service",
                               .command = x->command,
                               .phase = SPAWN_START,
                               .tracker = x->t,
                               .stream_fd = output[1],
                               .stderr_stream_fd = -1,
                               .socket_fd = -1,
                               .idle_fd = -1 };
    assert_int_equal(spawn_start(&q, &x->s), 0);
    close(output[1]);
    x->output = output[0];
    x->f.pid = x->s.pid;
    do
        assert_int_equal(read(x->output, &byte, 1), 1);
    while (byte != '\n');
}

static void finish(struct running *x)
{
    wait_empty(&x->f, x->t);
    close(x->s.report_fd);
    close(x->s.pidfd);
    close(x->output);
    assert_int_equal(tracker_remove(x->t), 0);
    tracker_free(x->t);
    commands_free(x->command);
    unit_config_free(x->config);
    fixture_done(&x->f);
}

/* Three processes: the command, a child, and one that left its parent and its session. */
#define FAMILY "sleep 1000 & (setsid sleep 1000 &) ; echo; exec sleep 1000"

static void check_family(bool holders)
{
    struct running x;
    pid_t *pids = NULL;
    size_t n = 0;

    if (!is_root())
        skip();
    start(&x, holders, FAMILY);
    if (!holders && x.f.host.kind != TRACK_CGROUP) { /* there are none that can be written */
        (void) tracker_kill(x.t, SIGKILL, NULL, 0);
        finish(&x);
        skip();
    }
    assert_int_equal(tracker_pids(x.t, &pids, &n), 0);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(tracker_contains(x.t, pids[i]), 1);
    free(pids);
    assert_int_equal(tracker_contains(x.t, getpid()), 0);
    assert_int_equal(tracker_contains(x.t, 1), 0);
    assert_false(tracker_is_empty(x.t));
    assert_int_equal(tracker_waits_for(x.t, x.s.pid), holders);
    if (!holders)
        assert_int_equal(tracker_remove(x.t), -EBUSY);

    /* All but the command. */
    assert_int_equal(tracker_kill(x.t, SIGTERM, &x.s.pid, 1), 2);
    /* And then everything. */
    assert_true(tracker_kill(x.t, SIGKILL, NULL, 0) >= 1);
    finish(&x);
}

static void family_by_cgroup(void **state)
{
    (void) state;
    check_family(false);
}

static void family_by_holder(void **state)
{
    (void) state;
    check_family(true);
}

/* Somebody else removes the cgroup, as a slice does that goes: it counts as empty, and is made
 * anew. */
static void cgroup_removed_behind_our_back(void **state)
{
    struct fixture f;
    struct tracker *t;

    (void) state;
    if (!is_root())
        skip();
    fixture_init(&f, false);
    current = &f;
    if (f.host.kind != TRACK_CGROUP) {
        fixture_done(&f);
        skip();
    }
    assert_int_equal(tracker_new(&f.host, "tested.service", "a-b.slice", NULL, &t), 0);
    assert_true(tracker_realize(t) >= 0);
    for (int i = 0; i < 2; i++) {
        pid_t *pids;
        size_t n;

        assert_int_equal(cgroup_remove(&f.host.cgroup, "/a.slice"), 0);
        assert_true(tracker_is_empty(t));
        assert_int_equal(tracker_pids(t, &pids, &n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(tracker_kill(t, SIGTERM, NULL, 0), 0);
        assert_int_equal(tracker_realize(t), 1);
        assert_int_equal(tracker_realize(t), 0);
    }
    assert_int_equal(cgroup_remove(&f.host.cgroup, "/a.slice"), 0);
    assert_int_equal(tracker_remove(t), 0);
    assert_int_equal(tracker_cgroup_fd(t), -1);
    tracker_free(t);
    fixture_done(&f);
}

static int n_exits;
static struct track_exit exits[8];

static void note_exit(struct tracker *t, const struct track_exit *e, void *userdata)
{
    (void) userdata;
    if (n_exits < 8)
        exits[n_exits++] = *e;
    tracker_reap(t, e->pid);
}

static struct tracker *adopter;

static struct tracker *found(const char *unit, pid_t holder, void *userdata)
{
    (void) holder;
    (void) userdata;
    return streq(unit, "tested.service") ? adopter : NULL;
}

/* The manager is lost; the next one finds the holder by its socket, and is told of the exit that
 * happened in between. */
static void holder_is_found_again(void **state)
{
    const struct track_events events = { fixture_empty, note_exit };
    struct track_host next;
    struct running x;
    pid_t command;

    (void) state;
    if (!is_root())
        skip();
    n_exits = 0;
    start(&x, true, "echo; exec sleep 1000");
    command = x.s.pid;
    tracker_free(x.t); /* closes the connection, as the death of a manager does */
    track_host_done(&x.f.host);
    assert_int_equal(kill(command, SIGTERM), 0);

    assert_int_equal(track_host_init(&next, x.f.run, false, &events, &x.f, NULL), 0);
    assert_int_equal(tracker_new(&next, "tested.service", NULL, NULL, &adopter), 0);
    assert_int_equal(track_host_find(&next, found, NULL), 1);
    x.f.host = next;
    x.f.emptied = false;
    while (n_exits == 0 || !tracker_is_empty(adopter)) {
        struct pollfd p = { x.f.host.epoll_fd, POLLIN, 0 };

        assert_int_equal(poll(&p, 1, DEADLINE_MS), 1);
        /* The trackers remember their host by its place. */
        track_dispatch(&next);
    }
    assert_int_equal(exits[0].pid, command);
    assert_int_equal(exits[0].code, CLD_KILLED);
    assert_int_equal(exits[0].status, SIGTERM);
    tracker_free(adopter);
    (void) waitpid(-1, NULL, 0);
    close(x.s.report_fd);
    close(x.s.pidfd);
    close(x.output);
    commands_free(x.command);
    unit_config_free(x.config);
    x.f.host = next;
    fixture_done(&x.f);
}

static void cgroup_paths(void **state)
{
    static const struct {
        const char *slice, *unit, *path;
    } cases[] = {
        { "system.slice", "nginx.service", "/system.slice/nginx.service" },
        { NULL, "init.scope", "/init.scope" },
        { "-.slice", "x.service", "/x.service" },
        { "a-b-c.slice", "x.service", "/a.slice/a-b.slice/a-b-c.slice/x.service" },
        { "a-b.slice", NULL, "/a.slice/a-b.slice" },
        { "system.slice", "_x.service", "/system.slice/__x.service" },
        { "system.slice", "cpu.service", "/system.slice/_cpu.service" },
        { "system.slice", "cgroup.service", "/system.slice/_cgroup.service" },
        { "system.slice", "tasks", "/system.slice/_tasks" },
    };

    (void) state;
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *path = cgroup_path_of(cases[i].slice, cases[i].unit);

        if (!streq_ptr(path, cases[i].path))
            fail_msg("%s %s: %s, not %s", strempty(cases[i].slice), strempty(cases[i].unit), path,
                     cases[i].path);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(cgroup_paths),          cmocka_unit_test(family_by_cgroup),
    cmocka_unit_test(family_by_holder),      cmocka_unit_test(cgroup_removed_behind_our_back),
    cmocka_unit_test(holder_is_found_again),
};

TEST_MAIN(tests)
