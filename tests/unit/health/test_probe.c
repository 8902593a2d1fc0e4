#include "health/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "health/pressure.h"

static void parse_cases(void **state)
{
    static const struct {
        const char *option, *value, *argument; /* NULL: refused */
        unsigned roles;
        usec_t interval, timeout;
        unsigned failures, successes;
    } cases[] = {
        { "tcp", "db:1", "db:1", PROBE_READY | PROBE_LIVE, 10 * USEC_PER_SEC, 5 * USEC_PER_SEC, 3,
          1 },
        { "tcp", "db:1,for=start,failures=2", "db:1", PROBE_START, 10 * USEC_PER_SEC,
          5 * USEC_PER_SEC, 2, 1 },
        { "http", "http://h/,body=a,b,for=ready+live,interval=200ms,timeout=1s,successes=4",
          "http://h/,body=a,b", PROBE_READY | PROBE_LIVE, 200 * USEC_PER_MSEC, USEC_PER_SEC, 3, 4 },
        { "exec", "/bin/true 'a b',for=live", "/bin/true 'a b'", PROBE_LIVE, 10 * USEC_PER_SEC,
          5 * USEC_PER_SEC, 3, 1 },
        { "listen", "[::1]:80/udp", "[::1]:80/udp", PROBE_READY | PROBE_LIVE, 10 * USEC_PER_SEC,
          5 * USEC_PER_SEC, 3, 1 },
        { "log", "^started,file=/var/log/a", "^started,file=/var/log/a", PROBE_READY | PROBE_LIVE,
          10 * USEC_PER_SEC, 5 * USEC_PER_SEC, 3, 1 },
        { "tcp", "db:1,for=", NULL, 0, 0, 0, 0, 0 },
        { "tcp", "db:1,for=start+live", NULL, 0, 0, 0, 0, 0 },
        { "tcp", "db:1,for=life", NULL, 0, 0, 0, 0, 0 },
        { "tcp", "db:1,interval=0", NULL, 0, 0, 0, 0, 0 },
        { "tcp", "db:1,failures=0", NULL, 0, 0, 0, 0, 0 },
        { "tcp", "db:1,successes=-1", NULL, 0, 0, 0, 0, 0 },
        { "tcp", "db", NULL, 0, 0, 0, 0, 0 },
        { "exec", "'open", NULL, 0, 0, 0, 0, 0 },
        { "log", "(", NULL, 0, 0, 0, 0, 0 },
        { "log", "a,file=relative", NULL, 0, 0, 0, 0, 0 },
        { "listen", "0", NULL, 0, 0, 0, 0, 0 },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct probe p = {};
        const char *error = NULL;
        int r = probe_parse(check_kind_find(cases[i].option, CHECK_WHILE), cases[i].value, &p,
                            &error);

        probe_complete(&p, &PROBE_DEFAULTS);
        if (cases[i].argument
                ? r < 0 || !streq(p.check.argument, cases[i].argument) ||
                      p.roles != cases[i].roles || p.interval != cases[i].interval ||
                      p.check.timeout != cases[i].timeout || p.failures != cases[i].failures ||
                      p.successes != cases[i].successes
                : r != -EINVAL || !error)
            fail_msg("%s=%s: %d %s", cases[i].option, cases[i].value, r, strempty(error));
        probe_done(&p);
    }
}

/* A word a probe: its roles, then what it answered: + passed, - failed, ~ failed with an excuse. */
static unsigned make_probes(const char *text, struct probe *probes)
{
    unsigned n = 0;

    for (; *text; text += strspn(text, " ")) {
        struct probe *p = &probes[n++];

        *p = (struct probe){ .failures = 2, .successes = 2, .interval = 4 * USEC_PER_SEC };
        for (; *text && *text != ' '; text++) {
            if (strchr("+-~", *text)) {
                p->check.outcome.class = *text == '+' ? CHECK_OK : CHECK_DEPENDENCY;
                (void) probe_answer(p, *text == '~');
            } else
                p->roles |= *text == 's' ? PROBE_START : *text == 'r' ? PROBE_READY : PROBE_LIVE;
        }
    }
    return n;
}

static void judges(void **state)
{
    static const struct {
        const char *probes;
        bool was_ready;
        enum health health;
        const char *wanted; /* y or n for each */
    } cases[] = {
        { "s r l", false, HEALTH_STARTING, "ynn" },
        { "s+ r l", false, HEALTH_STARTING, "ynn" },
        { "s++ r l", false, HEALTH_STARTING, "nyn" },
        { "s----- r l", false, HEALTH_STARTING, "ynn" },
        { "rl", false, HEALTH_STARTING, "y" },
        { "rl----", false, HEALTH_STARTING, "y" },
        { "rl++", false, HEALTH_HEALTHY, "y" },
        { "rl++", true, HEALTH_HEALTHY, "y" },
        { "rl++-", true, HEALTH_HEALTHY, "y" },
        { "rl++--", true, HEALTH_DEAD, "y" },
        { "rl++--+", true, HEALTH_DEAD, "y" },
        { "rl++--++", true, HEALTH_HEALTHY, "y" },
        { "rl++-~-", true, HEALTH_DEAD, "y" },
        { "rl++~~~~", true, HEALTH_HEALTHY, "y" },
        { "r++-- l++", true, HEALTH_UNREADY, "yy" },
        { "r++-- l--", true, HEALTH_DEAD, "yy" },
        { "r++ r+", false, HEALTH_STARTING, "yy" },
        { "r++ l", false, HEALTH_HEALTHY, "yn" },
        { "r++ l", true, HEALTH_HEALTHY, "yy" },
        { "l", false, HEALTH_STARTING, "y" },
        { "l++", false, HEALTH_HEALTHY, "y" },
        { "l--", false, HEALTH_DEAD, "y" },
        { "r", false, HEALTH_STARTING, "y" },
        { "r++--", true, HEALTH_UNREADY, "y" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct probe probes[4] = {};
        unsigned n = make_probes(cases[i].probes, probes);
        enum health h = health_judge(probes, n, cases[i].was_ready);

        if (h != cases[i].health)
            fail_msg("\"%s\": %s", cases[i].probes, health_name(h));
        for (unsigned k = 0; k < n; k++)
            if (probe_is_wanted(probes, n, &probes[k], cases[i].was_ready) !=
                (cases[i].wanted[k] == 'y'))
                fail_msg("\"%s\": probe %u wanted", cases[i].probes, k);
    }
}

static void pauses(void **state)
{
    static const struct {
        const char *probe;
        usec_t pause;
    } cases[] = {
        { "r-", 100 * USEC_PER_MSEC },       { "r---", 400 * USEC_PER_MSEC },
        { "r------", 3200 * USEC_PER_MSEC }, { "r-------", 4 * USEC_PER_SEC },
        { "r+", 100 * USEC_PER_MSEC },       { "r++", 4 * USEC_PER_SEC },
        { "r++-", 4 * USEC_PER_SEC },        { "r++--", 8 * USEC_PER_SEC },
        { "r++-----", 30 * USEC_PER_SEC },   { "r++-----++", 4 * USEC_PER_SEC },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        struct probe p = {};

        (void) make_probes(cases[i].probe, &p);
        if (p.pause != cases[i].pause)
            fail_msg("\"%s\": %ju", cases[i].probe, (uintmax_t) p.pause);
    }
}

static void write_file(const char *folder, const char *name, const char *text)
{
    auto_free char *path = path_join(folder, name, NULL);
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void starvation(void **state)
{
    char folder[] = "/tmp/test_probe.XXXXXX", text[PRESSURE_TEXT_MAX];

    assert_non_null(mkdtemp(folder));
    assert_false(machine_is_starved(folder, text));
    write_file(folder, "cpu", "some avg10=89.99 avg60=95.00 avg300=0.00 total=1\n");
    write_file(folder, "memory",
               "some avg10=99.00 avg60=0.00 avg300=0.00 total=1\n"
               "full avg10=39.00 avg60=0.00 avg300=0.00 total=1\n");
    assert_false(machine_is_starved(folder, text));
    write_file(folder, "memory",
               "some avg10=99.00 avg60=0.00 avg300=0.00 total=1\n"
               "full avg10=41.50 avg60=0.00 avg300=0.00 total=1\n");
    assert_true(machine_is_starved(folder, text));
    assert_string_equal(text, "memory pressure 41%");
    write_file(folder, "cpu", "some avg10=90.10 avg60=95.00 avg300=0.00 total=1\n");
    assert_true(machine_is_starved(folder, text));
    assert_string_equal(text, "cpu pressure 90%");
    assert_int_equal(remove_all(folder), 0);
}

/* Runs one probe as a prober does; `log`: a file that the service writes to meanwhile. */
static enum check_class outcome_of(const char *option, const char *value, const char *log,
                                   char **ret_found)
{
    struct check_context context = { .service = getpid(), .user = "test" };
    struct probe p = {};
    const char *error = NULL;

    assert_int_equal(probe_parse(check_kind_find(option, CHECK_WHILE), value, &p, &error), 0);
    assert_int_equal(log_argument_begin(&p.check), 0);
    auto_close int fd = log ? open(log, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
    if (log)
        assert_int_equal(fd_write_all(fd, "now ready\n", 10), 0);
    assert_int_equal(checks_run(&p.check, 1, &context, 0, NULL, NULL), 0);
    enum check_class class = p.check.outcome.class;
    if (ret_found)
        *ret_found = strdup(p.check.outcome.found);
    probe_done(&p);
    return class;
}

static void commands(void **state)
{
    static const struct {
        const char *command;
        enum check_class class;
        const char *found;
    } cases[] = {
        { "true", CHECK_OK, "ended with status 0" },
        { "sh -c 'echo one; echo two >&2'", CHECK_OK, "two" },
        { "sh -c 'echo no; exit 3'", CHECK_DEPENDENCY, "ended with status 3: no" },
        { "sh -c 'kill -9 $$'", CHECK_DEPENDENCY, "killed by signal 9" },
        { "/no/such/file", CHECK_FILE,
          "/no/such/file cannot be executed: No such file or directory" },
        { "sleep 1000,timeout=100ms", CHECK_DEPENDENCY, "no answer within 100ms" },
        { "sh -c 'sleep 1000 & wait',timeout=100ms", CHECK_DEPENDENCY, "no answer within 100ms" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        auto_free char *found = NULL;
        enum check_class class = outcome_of("exec", cases[i].command, NULL, &found);

        if (class != cases[i].class || !streq(found, cases[i].found))
            fail_msg("%s: %d %s", cases[i].command, (int) class, found);
    }
}

static void log_files(void **state)
{
    char path[] = "/tmp/test_probe.XXXXXX";
    auto_close int fd = mkstemp(path);
    auto_free char *value = format("^now ready$,file=%s", path);

    assert_int_equal(fd_write_all(fd, "now ready\n", 10), 0);
    assert_int_equal(outcome_of("log", value, NULL, NULL), CHECK_DEPENDENCY); /* of before */
    assert_int_equal(outcome_of("log", value, path, NULL), CHECK_OK);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_cases), cmocka_unit_test(judges),   cmocka_unit_test(pauses),
        cmocka_unit_test(starvation),  cmocka_unit_test(commands), cmocka_unit_test(log_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
