#include "base/timespan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/names.h"
#include "rows.h"

/* text, error, microseconds, normal form */
static char *check_span(char **f)
{
    usec_t span = 42;
    int r = timespan_parse(f[0], &span);

    if (*f[1]) {
        if (r >= 0 || span != 42 || !streq(errno_name(r), f[1]))
            return format("%d, %" PRIu64 ", not %s", r, span, f[1]);
        return NULL;
    }
    char text[TIMESPAN_TEXT_MAX];
    if (r < 0)
        return format("refused: %s", errno_name(r));
    if (span != strtoull(f[2], NULL, 10))
        return format("%" PRIu64 ", not %s", span, f[2]);
    if (!streq(timespan_format(text, span, 1), f[3]))
        return format("shown as %s, not %s", text, f[3]);
    return NULL;
}

static void as_systemd_analyze(void **state)
{
    check_rows("time/span.tsv", 4, 180, check_span);
}

static void format_with_accuracy(void **state)
{
    static const struct {
        usec_t span, accuracy;
        const char *text;
    } cases[] = {
        { 0, 1, "0" },
        { USEC_INFINITY, 1, "infinity" },
        { 90 * USEC_PER_SEC, USEC_PER_SEC, "1min 30s" },
        { 90 * USEC_PER_SEC + 500000, USEC_PER_SEC, "1min 30s" },
        { 90 * USEC_PER_SEC + 500000, USEC_PER_MSEC, "1min 30.500s" },
        { 90 * USEC_PER_SEC + 500000, 0, "1min 30.500000s" },
        { 1500, USEC_PER_MSEC, "1ms" },
        { 1500, USEC_PER_SEC, "1ms" },
        { 1500, 100, "1.5ms" },
        { 15, USEC_PER_SEC, "15us" },
        { USEC_PER_DAY + 1, USEC_PER_MSEC, "1d" },
        { USEC_INFINITY - 1, 1, "584542y 2w 2d 20h 1min 49.551614s" },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        char text[TIMESPAN_TEXT_MAX];

        if (!streq(timespan_format(text, cases[i].span, cases[i].accuracy), cases[i].text))
            fail_msg("%" PRIu64 " at %" PRIu64 ": %s, not %s", cases[i].span, cases[i].accuracy,
                     text, cases[i].text);
    }
}

static void other_units(void **state)
{
    usec_t span;
    nsec_t nsec;

    assert_int_equal(timespan_parse_unit("5", USEC_PER_MSEC, &span), 0);
    assert_int_equal(span, 5 * USEC_PER_MSEC);
    assert_int_equal(timespan_parse_unit("5 s", USEC_PER_MSEC, &span), 0);
    assert_int_equal(span, 5 * USEC_PER_SEC);
    assert_int_equal(timespan_parse_nsec("1.5us 3ns 7", 1, &nsec), 0);
    assert_int_equal(nsec, 1510);
    assert_int_equal(timespan_parse_nsec("585y", 1, &nsec), -ERANGE);

    assert_int_equal(timespan_parse_timeout("", &span), 0);
    assert_true(span == USEC_INFINITY);
    assert_int_equal(timespan_parse_timeout("0s", &span), 0);
    assert_true(span == USEC_INFINITY);
    assert_int_equal(timespan_parse_timeout("1", &span), 0);
    assert_int_equal(span, USEC_PER_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_systemd_analyze),
        cmocka_unit_test(format_with_accuracy),
        cmocka_unit_test(other_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
