/* Transactions over a graph of targets that exist in memory only: what is started, stopped, dropped
 * and refused. A unit is up as soon as its job has run. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "event/event.h"
#include "manager/private.h"
#include "manager/transaction.h"
#include "unit/load.h"

struct fixture {
    char folder[64];
    struct event_loop *loop;
    struct manager *m;
    char log[16384];
};

static void catch_log(int priority, const char *text, char *const *fields, void *userdata)
{
    struct fixture *f = userdata;
    size_t n = strlen(f->log);

    snprintf(f->log + n, sizeof f->log - n, "%s\n", text);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct manager_options options = { .role = MANAGER_PID1, .test = true };

    strcpy(f->folder, "/tmp/reeve-test-XXXXXX");
    if (!mkdtemp(f->folder))
        return -1;
    /* Only the units of the test, and the built-in ones. */
    setenv("SYSTEMD_UNIT_PATH", f->folder, 1);
    options.runtime_dir = f->folder;
    log_set_sink(catch_log, f);
    if (event_loop_new(&f->loop) < 0 || manager_new(f->loop, &options, &f->m) < 0)
        return -1;
    f->m->startup = false;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    manager_free(f->m);
    event_loop_free(f->loop);
    log_set_sink(NULL, NULL);
    (void) remove_all(f->folder);
    free(f);
    return 0;
}

/* A target NAME.target whose [Unit] section is `text`. No default dependencies. */
static void unit(struct fixture *f, const char *name, const char *text)
{
    auto_free char *path = format("%s/%s.target", f->folder, name);
    auto_free char *body = format("[Unit]\nDefaultDependencies=no\nAllowIsolate=yes\n%s\n", text);

    assert_int_equal(file_replace(path, body, strlen(body), 0644), 0);
}

static struct unit *get(struct fixture *f, const char *name)
{
    auto_free char *full = format("%s.target", name);
    struct unit *u;

    (void) unit_loader_refresh(f->m->loader);
    assert_int_equal(manager_load_unit(f->m, full, &u, NULL), 0);
    return u;
}

static int ask(struct fixture *f, enum job_type t, const char *name, enum job_mode mode,
               struct op_error *e)
{
    return manager_add_job(f->m, t, get(f, name), mode, NULL, e);
}

static void turn(struct fixture *f)
{
    for (int i = 0; i < 20 && event_loop_run_once(f->loop, 0) > 0; i++)
        ;
}

static bool up(struct fixture *f, const char *name)
{
    return active_or_reloading(unit_active_state(get(f, name)));
}

static void keep(struct fixture *f, const char *name)
{
    unit_ref(get(f, name));
}

/* "a.target/start b.target/stop", sorted. */
static void expect_jobs(struct fixture *f, const char *want)
{
    char *list[32];
    size_t n = 0, position = 0;
    struct job *j;
    auto_strbuf struct strbuf b = { 0 };

    while ((j = map_next(&f->m->jobs, &position, NULL)))
        list[n++] = format("%s/%s", j->unit->id, job_type_name(j->type));
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++)
            if (strcmp(list[i], list[k]) > 0) {
                char *t = list[i];

                list[i] = list[k];
                list[k] = t;
            }
    for (size_t i = 0; i < n; i++) {
        strbuf_addf(&b, "%s%s", i ? " " : "", list[i]);
        free(list[i]);
    }
    if (!streq(strbuf_text(&b), want))
        fail_msg("jobs: \"%s\", not \"%s\"", strbuf_text(&b), want);
}

static void start_pulls_in_what_is_required_and_wanted(void **state)
{
    struct fixture *f = *state;

    unit(f, "a", "Requires=b.target\nWants=c.target missing.target");
    unit(f, "b", "");
    unit(f, "c", "");
    assert_int_equal(ask(f, JOB_START, "a", JOB_MODE_REPLACE, NULL), 0);
    expect_jobs(f, "a.target/start b.target/start c.target/start");
    turn(f);
    expect_jobs(f, "");
    assert_true(up(f, "a") && up(f, "b") && up(f, "c"));
}

static void missing_requirement_refuses_all(void **state)
{
    struct fixture *f = *state;
    auto_op_error struct op_error e = { 0 };

    unit(f, "a", "Requires=missing.target\nWants=c.target");
    unit(f, "c", "");
    assert_int_equal(ask(f, JOB_START, "a", JOB_MODE_REPLACE, &e), -ENOENT);
    assert_string_equal(e.name, "NoSuchUnit");
    expect_jobs(f, "");
}

static void stop_takes_dependants_along(void **state)
{
    struct fixture *f = *state;

    unit(f, "a", "Requires=b.target\nAfter=b.target");
    unit(f, "b", "");
    unit(f, "w", "Wants=b.target");
    keep(f, "a"), keep(f, "b"), keep(f, "w");
    ask(f, JOB_START, "a", JOB_MODE_REPLACE, NULL);
    ask(f, JOB_START, "w", JOB_MODE_REPLACE, NULL);
    turn(f);
    assert_int_equal(ask(f, JOB_STOP, "b", JOB_MODE_REPLACE, NULL), 0);
    expect_jobs(f, "a.target/stop b.target/stop");
    turn(f);
    assert_false(up(f, "a") || up(f, "b"));
    assert_true(up(f, "w"));
}

static void conflict_stops_the_other(void **state)
{
    struct fixture *f = *state;

    unit(f, "a", "");
    unit(f, "b", "Conflicts=a.target");
    keep(f, "a"), keep(f, "b");
    ask(f, JOB_START, "a", JOB_MODE_REPLACE, NULL);
    turn(f);
    ask(f, JOB_START, "b", JOB_MODE_REPLACE, NULL);
    expect_jobs(f, "a.target/stop b.target/start");
    turn(f);
    assert_true(!up(f, "a") && up(f, "b"));
}

static void contradiction_that_matters_is_refused(void **state)
{
    struct fixture *f = *state;
    auto_op_error struct op_error e = { 0 };

    unit(f, "a", "Requires=b.target c.target");
    unit(f, "b", "Conflicts=c.target");
    unit(f, "c", "");
    assert_int_equal(ask(f, JOB_START, "a", JOB_MODE_REPLACE, &e), -EDEADLK);
    assert_string_equal(e.name, "TransactionJobsConflicting");
    expect_jobs(f, "");
}

static void contradiction_that_does_not_matter_is_dropped(void **state)
{
    struct fixture *f = *state;

    unit(f, "a", "Requires=b.target\nWants=c.target");
    unit(f, "b", "");
    unit(f, "c", "Conflicts=b.target");
    assert_int_equal(ask(f, JOB_START, "a", JOB_MODE_REPLACE, NULL), 0);
    expect_jobs(f, "a.target/start b.target/start");
}

static void cycle_drops_what_is_only_wanted(void **state)
{
    struct fixture *f = *state;

    unit(f, "a", "Wants=b.target c.target\nAfter=c.target");
    unit(f, "b", "After=a.target");
    unit(f, "c", "After=b.target");
    assert_int_equal(ask(f, JOB_START, "a", JOB_MODE_REPLACE, NULL), 0);
    assert_non_null(strstr(f->log, "Found ordering cycle"));
    assert_non_null(strstr(f->log, "deleted to break ordering cycle"));
    /* Each edge with its place. */
    assert_non_null(strstr(f->log, "/a.target:5 After=c.target"));
    assert_non_null(strstr(f->log, "/b.target:4 After=a.target"));
    assert_non_null(strstr(f->log, "/c.target:4 After=b.target"));
    assert_non_null(get(f, "a")->job);
    assert_true(!get(f, "b")->job || !get(f, "c")->job);
}

static void cycle_of_requirements_is_refused(void **state)
{
    struct fixture *f = *state;
    auto_op_error struct op_error e = { 0 };

    unit(f, "a", "Requires=b.target\nAfter=b.target");
    unit(f, "b", "Requires=a.target\nAfter=a.target");
    assert_int_equal(ask(f, JOB_START, "a", JOB_MODE_REPLACE, &e), -ELOOP);
    assert_string_equal(e.name, "TransactionOrderIsCyclic");
    expect_jobs(f, "");
}

static void mode_fail_replaces_nothing(void **state)
{
    struct fixture *f = *state;
    auto_op_error struct op_error e = { 0 };

    unit(f, "a", "");
    keep(f, "a");
    ask(f, JOB_START, "a", JOB_MODE_REPLACE, NULL);
    assert_int_equal(ask(f, JOB_STOP, "a", JOB_MODE_FAIL, &e), -EDEADLK);
    assert_string_equal(e.name, "TransactionIsDestructive");
    expect_jobs(f, "a.target/start");
}

static void irreversible_jobs_stay(void **state)
{
    struct fixture *f = *state;
    auto_op_error struct op_error e = { 0 };

    unit(f, "a", "");
    keep(f, "a");
    ask(f, JOB_START, "a", JOB_MODE_REPLACE_IRREVERSIBLY, NULL);
    assert_int_equal(ask(f, JOB_STOP, "a", JOB_MODE_REPLACE, &e), -EDEADLK);
    assert_string_equal(e.name, "TransactionIsDestructive");
    expect_jobs(f, "a.target/start");
}

static void isolate_stops_all_others(void **state)
{
    struct fixture *f = *state;

    unit(f, "a", "Wants=b.target");
    unit(f, "b", "");
    unit(f, "x", "");
    unit(f, "stays", "IgnoreOnIsolate=yes");
    keep(f, "x"), keep(f, "stays");
    ask(f, JOB_START, "x", JOB_MODE_REPLACE, NULL);
    ask(f, JOB_START, "stays", JOB_MODE_REPLACE, NULL);
    turn(f);
    assert_int_equal(ask(f, JOB_START, "a", JOB_MODE_ISOLATE, NULL), 0);
    expect_jobs(f, "a.target/start b.target/start x.target/stop");
}

static void ignored_dependencies_are_not_pulled_in(void **state)
{
    struct fixture *f = *state;

    unit(f, "a", "Requires=missing.target\nAfter=missing.target");
    assert_int_equal(ask(f, JOB_START, "a", JOB_MODE_IGNORE_DEPENDENCIES, NULL), 0);
    expect_jobs(f, "a.target/start");
}

static void part_of_follows_stop_not_start(void **state)
{
    struct fixture *f = *state;

    unit(f, "a", "");
    unit(f, "p", "PartOf=a.target");
    keep(f, "a"), keep(f, "p");
    ask(f, JOB_START, "a", JOB_MODE_REPLACE, NULL);
    expect_jobs(f, "a.target/start");
    turn(f);
    ask(f, JOB_START, "p", JOB_MODE_REPLACE, NULL);
    turn(f);
    ask(f, JOB_RESTART, "a", JOB_MODE_REPLACE, NULL);
    expect_jobs(f, "a.target/restart p.target/restart");
    turn(f);
    assert_true(up(f, "a") && up(f, "p"));
}

static void requisite_of_what_is_down_fails(void **state)
{
    struct fixture *f = *state;

    unit(f, "a", "Requisite=b.target\nAfter=b.target");
    unit(f, "b", "");
    keep(f, "a");
    assert_int_equal(ask(f, JOB_START, "a", JOB_MODE_REPLACE, NULL), 0);
    turn(f);
    expect_jobs(f, "");
    assert_false(up(f, "a"));
}

static void forgotten_when_nothing_refers_to_it(void **state)
{
    struct fixture *f = *state;

    unit(f, "a", "Wants=b.target");
    unit(f, "b", "");
    (void) get(f, "a");
    turn(f);
    assert_null(manager_unit(f->m, "a.target"));
    assert_null(manager_unit(f->m, "b.target"));
    keep(f, "a");
    turn(f);
    assert_non_null(manager_unit(f->m, "b.target"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(start_pulls_in_what_is_required_and_wanted),
        TEST(missing_requirement_refuses_all),
        TEST(stop_takes_dependants_along),
        TEST(conflict_stops_the_other),
        TEST(contradiction_that_matters_is_refused),
        TEST(contradiction_that_does_not_matter_is_dropped),
        TEST(cycle_drops_what_is_only_wanted),
        TEST(cycle_of_requirements_is_refused),
        TEST(mode_fail_replaces_nothing),
        TEST(irreversible_jobs_stay),
        TEST(isolate_stops_all_others),
        TEST(ignored_dependencies_are_not_pulled_in),
        TEST(part_of_follows_stop_not_start),
        TEST(requisite_of_what_is_down_fails),
        TEST(forgotten_when_nothing_refers_to_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
