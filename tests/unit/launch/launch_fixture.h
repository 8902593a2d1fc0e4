/* What the tests of launch/ share: one unit, run once, everything about it kept. The folders of the
 * unit are below a temporary one. */
#pragma once

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/time.h"
#include "launch/holder.h"
#include "launch/spawn.h"
#include "launch/track.h"
#include "unit/command.h"
#include "unit/config.h"
#include "unit/directive.h"

#define DEADLINE_MS 60000

struct fixture {
    char *folder; /* temporary */
    char *run, *lib, *cache, *log, *etc;
    struct track_host host;
    struct spawn_manager manager;
    bool holders; /* not cgroups */

    /* of the last run_unit() */
    struct spawn_report report;
    struct track_exit exit;
    char *output;
    bool emptied;
    bool at_once; /* something was in the report when spawn_start() returned */
    pid_t pid;
};

static inline bool is_root(void)
{
    return geteuid() == 0;
}

static struct fixture *current; /* for the callbacks of the one tracker */

static inline void fixture_empty(struct tracker *t, void *userdata)
{
    (void) t;
    ((struct fixture *) userdata)->emptied = true;
}

static inline void fixture_exited(struct tracker *t, const struct track_exit *e, void *userdata)
{
    struct fixture *f = userdata;

    if (e->pid == f->pid)
        f->exit = *e;
    tracker_reap(t, e->pid);
}

static inline void fixture_init(struct fixture *f, bool holders)
{
    const struct track_events events = { fixture_empty, fixture_exited };
    /* Not in /tmp, which units may have of their own. */
    char *folder = strdup(is_root() ? "/srv/reeve-launch-XXXXXX" : "/tmp/reeve-launch-XXXXXX");

    memset(f, 0, sizeof *f);
    current = f;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0755), 0);
    f->folder = folder;
    f->holders = holders;
    f->run = path_join(folder, "run", NULL);
    f->lib = path_join(folder, "lib", NULL);
    f->cache = path_join(folder, "cache", NULL);
    f->log = path_join(folder, "log", NULL);
    f->etc = path_join(folder, "etc", NULL);
    assert_int_equal(mkdir_all(f->run, 0755), 0);
    assert_int_equal(track_host_init(&f->host, f->run, !holders, &events, f, NULL), 0);
    f->manager = (struct spawn_manager){ .policy = SANDBOX_HOST,
                                         .tracking = &f->host,
                                         .reeve_dir = f->run,
                                         .runtime_prefix = f->run,
                                         .state_prefix = f->lib,
                                         .cache_prefix = f->cache,
                                         .logs_prefix = f->log,
                                         .configuration_prefix = f->etc,
                                         .default_timer_slack_nsec = USEC_INFINITY,
                                         .default_oom_score_adjust = INT_MIN,
                                         .console_fd = -1 };
}

static inline void fixture_forget(struct fixture *f)
{
    spawn_report_done(&f->report);
    free(f->output);
    f->output = NULL;
    f->exit = (struct track_exit){ 0 };
    f->emptied = false;
    f->pid = 0;
}

static inline void fixture_done(struct fixture *f)
{
    fixture_forget(f);
    track_host_done(&f->host);
    assert_int_equal(remove_all(f->folder), 0);
    free(f->folder);
    free(f->run);
    free(f->lib);
    free(f->cache);
    free(f->log);
    free(f->etc);
}

/* A unit from lines "Name=value"; "@" in a value stands for the temporary folder. */
static inline struct unit_config *make_config(struct fixture *f, const char *settings)
{
    struct unit_config *c = NULL;
    char **lines = strv_split(settings, "\n");

    assert_int_equal(unit_config_new("tested.service", NULL, &c), 0);
    STRV_FOREACH (line, lines) {
        struct strbuf value = { 0 };
        char *equal = strchr(*line, '=');

        assert_non_null(equal);
        *equal = 0;
        const struct directive *d = directive_find(UNIT_SERVICE, "Service", *line, NULL);
        if (!d)
            fail_msg("no directive %s", *line);
        for (const char *p = equal + 1; *p; p++) {
            if (*p == '@' && p[1] == '/')
                strbuf_add(&value, f->folder);
            else
                strbuf_add_char(&value, *p);
        }
        if (directive_set(c, d, strbuf_text(&value)) < 0)
            fail_msg("%s=%s is refused", *line, strbuf_text(&value));
        strbuf_done(&value);
    }
    strv_free(lines);
    return c;
}

static inline void read_output(struct fixture *f, int fd)
{
    struct strbuf b = { 0 };
    char part[4096];

    for (;;) {
        struct pollfd p = { fd, POLLIN, 0 };

        if (poll(&p, 1, DEADLINE_MS) != 1)
            fail_msg("no end of the output");
        ssize_t n = read(fd, part, sizeof part);
        if (n <= 0)
            break;
        strbuf_add_n(&b, part, (size_t) n);
    }
    f->output = strbuf_take(&b);
}

static inline void wait_report(struct fixture *f, int fd)
{
    struct pollfd p = { fd, 0, 0 };

    struct pollfd now = { fd, POLLIN, 0 };
    f->at_once = poll(&now, 1, 0) == 1;
    if (poll(&p, 1, DEADLINE_MS) != 1)
        fail_msg("no end of the launch report");
    assert_int_equal(spawn_report_read(&f->report, fd), 1);
}

/* Until the unit has no process left; then reaps what is ours. */
static inline void wait_empty(struct fixture *f, struct tracker *t)
{
    /* The event only says when to look: the unit may have become empty between look and wait. */
    usec_t end = now_usec(CLOCK_MONOTONIC) + DEADLINE_MS * USEC_PER_MSEC;
    while (!f->emptied && !tracker_is_empty(t)) {
        struct pollfd p = { f->host.epoll_fd, POLLIN, 0 };

        if (now_usec(CLOCK_MONOTONIC) > end)
            fail_msg("the unit does not become empty");
        if (poll(&p, 1, 100) == 1)
            track_dispatch(&f->host);
    }
    for (;;) {
        siginfo_t si = { 0 };

        if (waitid(P_ALL, 0, &si, WEXITED | (f->holders ? 0 : WNOHANG)) < 0 || si.si_pid == 0)
            return;
        if (si.si_pid == f->pid)
            f->exit = (struct track_exit){ si.si_pid, si.si_code, si.si_status };
    }
}

/* In a cgroup that no other test has, which may run at the same time. */
static inline struct tracker *new_tracker(struct fixture *f)
{
    struct tracker *t = NULL;
    char name[64];

    snprintf(name, sizeof name, "tested-%d.service", getpid());
    assert_int_equal(tracker_new(&f->host, name, "reeve-test.slice", NULL, &t), 0);
    assert_true(tracker_realize(t) >= 0);
    return t;
}

/* Runs `command` (prefixes as in ExecStart=, words as in a shell) in a unit with these settings. */
static inline void run_command(struct fixture *f, const char *settings, const char *command,
                               enum spawn_phase phase, char *const *environment)
{
    struct unit_config *c = make_config(f, settings);
    struct exec_command *commands = NULL;
    struct spawn_runtime *runtime = NULL;
    struct command_fault fault;
    struct spawn s;
    int output[2];

    fixture_forget(f);
    if (commands_parse(command, NULL, &commands, &fault) < 0)
        fail_msg("%s: %s", command, fault.text);
    struct tracker *t = new_tracker(f);
    assert_int_equal(spawn_runtime_new(c, "tested.service", NULL, &runtime), 0);
    assert_int_equal(pipe2(output, O_CLOEXEC), 0);
    struct spawn_request q = { .manager = &f->manager,
                               .config = c,
                               .unit = "tested.service",
                               .command = commands,
                               .phase = phase,
                               .tracker = t,
                               .runtime = runtime,
                               .environment = environment,
                               .stream_fd = output[1],
                               .stderr_stream_fd = -1,
                               .socket_fd = -1,
                               .idle_fd = -1 };
    assert_int_equal(spawn_start(&q, &s), 0);
    close(output[1]);
    f->pid = s.pid;
    wait_report(f, s.report_fd);
    read_output(f, output[0]);
    wait_empty(f, t);
    close(output[0]);
    close(s.report_fd);
    close(s.pidfd);

    unsigned what = spawn_clean_needed(&f->manager, c, "tested.service", runtime, false);
    if (what) {
        int status;

        assert_int_equal(spawn_clean_start(&f->manager, c, "tested.service", runtime, what, &s), 0);
        assert_int_equal(waitpid(s.pid, &status, 0), s.pid);
        assert_int_equal(status, 0);
        close(s.report_fd);
        close(s.pidfd);
    }
    (void) tracker_remove(t);
    tracker_free(t);
    spawn_runtime_unref(runtime);
    commands_free(commands);
    unit_config_free(c);
}

static inline void run_unit(struct fixture *f, const char *settings, const char *command)
{
    run_command(f, settings, command, SPAWN_START, NULL);
}

/* The text with "@/" as make_config() resolves it; the caller frees it. */
static inline char *resolved(struct fixture *f, const char *text)
{
    struct strbuf b = { 0 };

    for (const char *p = text; *p; p++) {
        if (*p == '@' && p[1] == '/')
            strbuf_add(&b, f->folder);
        else
            strbuf_add_char(&b, *p);
    }
    return strbuf_take(&b);
}

#define TEST_MAIN(tests) \
    int main(int argc, char *argv[]) \
    { \
        if (streq(argv[0], HOLDER_NAME)) \
            return holder_main(argc, argv); \
        return cmocka_run_group_tests(tests, NULL, NULL); \
    }
