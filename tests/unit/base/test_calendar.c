#include "base/calendar.h"

#include <errno.h>

#include "base/names.h"
#include "base/timestamp.h"
#include "rows.h"

DEFINE_AUTO(struct calendar, calendar_free, calendar_free)

/* TZ, base time, text, error, normal form, next three in UTC */
static char *check_calendar(char **f)
{
    _cleanup_(auto_calendar_free_p) struct calendar *c = NULL;
    char text[TIMESTAMP_TEXT_MAX];
    usec_t t;

    setenv("TZ", f[0], 1);
    assert_int_equal(timestamp_parse(f[1], &t), 0);
    int r = calendar_parse(f[2], &c);
    if (*f[3])
        return r < 0 && streq(errno_name(r), f[3]) ? NULL : format("%d, not %s", r, f[3]);
    if (r < 0)
        return format("refused: %s", errno_name(r));
    auto_free char *normal = calendar_format(c);
    if (!streq(normal, f[4]))
        return format("normal form %s, not %s", normal, f[4]);

    for (int i = 5; i < 8; i++) {
        r = calendar_next(c, t, &t);
        if (r == -ENOENT) {
            const char *end = i == 5 ? "never" : "";
            return streq(f[i], end) ? NULL : format("%d. elapse: none, not %s", i - 4, f[i]);
        }
        assert_int_equal(r, 0);
        if (!streq(timestamp_format(text, t, TIMESTAMP_UTC), f[i]))
            return format("%d. elapse %s, not %s", i - 4, text, f[i]);
    }
    return NULL;
}

static void as_systemd_analyze(void **state)
{
    check_rows("time/calendar.tsv", 8, 450, check_calendar);
}

/* The normal form is an expression that means the same. */
static char *check_normal_form(char **f)
{
    _cleanup_(auto_calendar_free_p) struct calendar *c = NULL;

    if (*f[3])
        return NULL;
    setenv("TZ", f[0], 1);
    int r = calendar_parse(f[4], &c);
    if (r < 0)
        return format("normal form refused: %s", errno_name(r));
    auto_free char *again = calendar_format(c);
    return streq(again, f[4]) ? NULL : format("%s becomes %s", f[4], again);
}

static void normal_form_is_a_fixed_point(void **state)
{
    check_rows("time/calendar.tsv", 8, 450, check_normal_form);
}

static void microseconds_and_zone(void **state)
{
    _cleanup_(auto_calendar_free_p) struct calendar *c = NULL, *d = NULL;
    usec_t t = UINT64_C(1795383015) * USEC_PER_SEC;

    assert_int_equal(calendar_parse("*:*:0/0.25 Asia/Tokyo", &c), 0);
    assert_string_equal(calendar_zone(c), "Asia/Tokyo");
    for (int i = 1; i <= 5; i++) {
        assert_int_equal(calendar_next(c, t, &t), 0);
        assert_int_equal(t, UINT64_C(1795383015) * USEC_PER_SEC + (usec_t) i * 250000);
    }
    assert_int_equal(calendar_next(c, USEC_INFINITY, &t), -ENOENT);
    assert_int_equal(calendar_parse("daily", &d), 0);
    assert_null(calendar_zone(d));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_systemd_analyze),
        cmocka_unit_test(normal_form_is_a_fixed_point),
        cmocka_unit_test(microseconds_and_zone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
