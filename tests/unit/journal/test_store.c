/* Whatever is done to the clock, each file's time goes forward, and entries come as they were
 * written. */
#include "journal/store.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/str.h"
#include "journal/file-verify.h"
#include "journal/query.h"

#define START UINT64_C(1700000000000000)
#define EACH 5 /* entries after each change of the clock */

/* What the clock is set to, one after the other. */
static const usec_t clock_times[] = {
    START,
    START + USEC_PER_SEC,
    START,
    START + USEC_PER_HOUR,
    START - USEC_PER_DAY,
    START + 400 * USEC_PER_DAY,
    1, /* 1970 */
    START + USEC_PER_HOUR,
    UINT64_C(1) << 54,
    START + 2 * USEC_PER_HOUR,
};

#define ENTRIES (EACH * ELEMENTSOF(clock_times))

static usec_t time_of(size_t number)
{
    return clock_times[number / EACH] + number % EACH * USEC_PER_MSEC;
}

static void append(struct store *s, size_t number)
{
    char message[32];
    struct iovec field = { message,
                           (size_t) snprintf(message, sizeof message, "MESSAGE=%zu", number) };
    struct entry e = {
        .time = { time_of(number), 1000 + number },
        .priority = LOG_INFO,
        .fields = &field,
        .n_fields = 1,
    };

    assert_int_equal(store_append(s, &e), 0);
}

static size_t number_of(struct journal *j)
{
    const char *payload;
    size_t n;
    struct journal_file *f = journal_current_file(j);

    assert_int_equal(journal_data(f, journal_entry_item(f, journal_current(j), 0), &payload, &n),
                     0);
    return (size_t) strtol(payload + strlen("MESSAGE="), NULL, 10);
}

static void check_files(struct journal *j)
{
    for (size_t i = 0; i < journal_n_files(j); i++) {
        struct verify_report report = { 0 };

        if (journal_file_verify(journal_get_file(j, i), &report) < 0)
            fail_msg("%s: %s", journal_get_file(j, i)->path, report.text);
    }
}

static void clock_is_set_back_and_forward(void **state)
{
    char directory[] = "/tmp/reeve-store-XXXXXX";
    struct event_loop *loop;
    struct store *s;

    assert_non_null(mkdtemp(directory));
    assert_int_equal(event_loop_new(&loop), 0);
    struct store_options o = { .storage = STORE_PERSISTENT,
                               .persistent_dir = directory,
                               .compact = true };
    memset(o.machine.bytes, 1, 16);
    memset(o.boot.bytes, 2, 16);
    assert_int_equal(store_new(loop, &o, &s), 0);
    for (size_t i = 0; i < ENTRIES; i++)
        append(s, i);
    store_free(s);
    event_loop_free(loop);

    struct journal *j = journal_new();
    assert_int_equal(journal_add_directory(j, directory, 0, true, NULL, NULL, NULL), 0);
    assert_true(journal_n_files(j) > 1);
    check_files(j);
    for (size_t i = 0; i < ENTRIES; i++) {
        assert_int_equal(journal_step(j, true), 1);
        assert_int_equal(number_of(j), i);
    }
    assert_int_equal(journal_step(j, true), 0);
    journal_seek_tail(j);
    for (size_t i = ENTRIES; i-- > 0;) {
        assert_int_equal(journal_step(j, false), 1);
        assert_int_equal(number_of(j), i);
    }
    /* From a time on, all that is later by the clock, in the order of its numbers. */
    for (usec_t t = START - 2 * USEC_PER_DAY; t < START + 3 * USEC_PER_HOUR;
         t += USEC_PER_HOUR / 2) {
        journal_seek_realtime(j, t);
        for (size_t i = 0; i < ENTRIES; i++) {
            if (time_of(i) < t)
                continue;
            assert_int_equal(journal_step(j, true), 1);
            assert_int_equal(number_of(j), i);
        }
        assert_int_equal(journal_step(j, true), 0);
    }
    journal_free(j);
    assert_int_equal(remove_all(directory), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clock_is_set_back_and_forward),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
