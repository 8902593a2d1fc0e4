#include "journal/retention.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/str.h"
#include "journal/vacuum.h"

static void the_first_section_that_matches(void **state)
{
    struct retentions all = { 0 };
    struct retention *web = retention_get(&all, "nginx audit-*.service");
    struct retention *any = retention_get(&all, "*.service");
    static const struct {
        const char *unit;
        int section; /* 0: none */
    } cases[] = {
        { "nginx.service", 1 },    { "audit-log.service", 1 }, { "nginx.socket", 0 },
        { "postgres.service", 2 }, { "nginx@1.service", 2 },   { NULL, 0 },
    };

    assert_non_null(web);
    assert_non_null(any);
    /* Written once more, by its full name, it is the same section. */
    assert_ptr_equal(retention_get(&all, " nginx.service  audit-*.service"), web);
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        const struct retention *got = retention_of(&all, cases[i].unit);
        const struct retention *expected = cases[i].section == 1   ? web
                                           : cases[i].section == 2 ? any
                                                                   : NULL;

        if (got != expected)
            fail_msg("%s: %s", strempty(cases[i].unit), got ? got->file : "none");
    }
    retentions_done(&all);
}

static void names_of_files(void **state)
{
    struct retentions all = { 0 };
    static const struct {
        const char *patterns, *file; /* its beginning, where a hash follows */
    } cases[] = {
        { "nginx.service", "system@nginx.service" },
        { "getty@tty1.service a", "system@getty@tty1.service+a.service" },
        { "web-*", "system@web-_-" },
        { "a/b[x].service", "system@a_b_x_.service-" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        const struct retention *r = retention_get(&all, cases[i].patterns);
        size_t n = strlen(cases[i].file);
        bool hashed = cases[i].file[n - 1] == '-';

        if (!startswith(r->file, cases[i].file) || strlen(r->file) != n + (hashed ? 8 : 0))
            fail_msg("%s: %s", cases[i].patterns, r->file);
    }
    /* As a name may be: two long ones that differ at the end only. */
    char long_name[400] = { 0 };
    memset(long_name, 'x', sizeof long_name - 1);
    const struct retention *one = retention_get(&all, long_name);
    long_name[390] = 'y';
    const struct retention *two = retention_get(&all, long_name);
    assert_true(strlen(one->file) < 128 && strlen(two->file) < 128);
    assert_string_not_equal(one->file, two->file);
    retentions_done(&all);
}

static void archived_names(void **state)
{
#define ARCHIVED "@0123456789abcdef0123456789abcdef-0000000000000001-0006616fcf89d43f.journal"
#define SET_ASIDE "@0006616fcf89d43f-0123456789abcdef.journal~"
    static const struct {
        const char *file;
        bool archived, of_system, of_unit; /* system@a@b.service */
    } cases[] = {
        { "system.journal", false, true, false },
        { "system" ARCHIVED, true, true, false },
        { "system" SET_ASIDE, true, true, false },
        { "system@a@b.service.journal", false, false, true },
        { "system@a@b.service" ARCHIVED, true, false, true },
        { "system@a@b.service" SET_ASIDE, true, false, true },
        { "system@a@b.service2.journal", false, false, false },
        { "user-1000" ARCHIVED, true, false, false },
        { "system@0123.journal", false, false, false },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        const char *f = cases[i].file;

        if (journal_name_is_archived(f) != cases[i].archived ||
            journal_name_is_of(f, "system") != cases[i].of_system ||
            journal_name_is_of(f, "system@a@b.service") != cases[i].of_unit)
            fail_msg("%s", f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_section_that_matches),
        cmocka_unit_test(names_of_files),
        cmocka_unit_test(archived_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
