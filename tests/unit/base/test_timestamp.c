#include "base/timestamp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/names.h"
#include "rows.h"

/* 2026-11-22 21:30:15 UTC, a Sunday */
#define NOW (UINT64_C(1795383015) * USEC_PER_SEC)

static const char *shown(char text[static TIMESTAMP_TEXT_MAX], usec_t t, enum timestamp_style style)
{
    return timestamp_format(text, t, style) ?: "-";
}

/* TZ, text, error, seconds, in TZ, in UTC */
static char *check_stamp(char **f)
{
    char text[TIMESTAMP_TEXT_MAX];
    usec_t t = 42;

    setenv("TZ", f[0], 1);
    int r = timestamp_parse(f[1], &t);
    if (*f[2]) {
        if (r >= 0 || t != 42 || !streq(errno_name(r), f[2]))
            return format("%d, %" PRIu64 ", not %s", r, t, f[2]);
        return NULL;
    }
    if (r < 0)
        return format("refused: %s", errno_name(r));
    usec_t whole = t / USEC_PER_SEC, rest = t % USEC_PER_SEC;
    if (rest > 0)
        snprintf(text, sizeof text, "@%" PRIu64 ".%06" PRIu64, whole, rest);
    else
        snprintf(text, sizeof text, "@%" PRIu64, whole);
    if (!streq(text, f[3]))
        return format("%s, not %s", text, f[3]);
    if (!streq(shown(text, t, TIMESTAMP_PRETTY), f[4]))
        return format("shown as %s, not %s", text, f[4]);
    if (!streq(shown(text, t, TIMESTAMP_UTC), f[5]))
        return format("shown as %s, not %s", text, f[5]);
    return NULL;
}

static void as_systemd_analyze(void **state)
{
    check_rows("time/stamp.tsv", 6, 200, check_stamp);
}

/* sign, microseconds from now, text */
static char *check_relative(char **f)
{
    usec_t distance = strtoull(f[1], NULL, 10);
    char text[TIMESTAMP_TEXT_MAX];

    /* The recording took a moment: half a second of slack is in each row. */
    (void) timestamp_format_relative(text, *f[0] == '-' ? NOW - distance : NOW + distance - 1000,
                                     NOW);
    return streq(text, f[2]) ? NULL : format("%s, not %s", text, f[2]);
}

static void distances_as_systemd_analyze(void **state)
{
    check_rows("time/relative.tsv", 3, 70, check_relative);
}

static void relative_to_now(void **state)
{
    static const struct {
        const char *zone, *text, *normal; /* NULL: refused */
    } cases[] = {
        { "UTC", "now", "Sun 2026-11-22 21:30:15.000000 UTC" },
        { "UTC", "today", "Sun 2026-11-22 00:00:00.000000 UTC" },
        { "UTC", "yesterday", "Sat 2026-11-21 00:00:00.000000 UTC" },
        { "UTC", "tomorrow", "Mon 2026-11-23 00:00:00.000000 UTC" },
        { "Asia/Tokyo", "today", "Mon 2026-11-23 00:00:00.000000 JST" },
        { "Asia/Tokyo", "today UTC", "Sun 2026-11-22 09:00:00.000000 JST" },
        { "UTC", "tomorrow Pacific/Auckland", "Mon 2026-11-23 11:00:00.000000 UTC" },
        { "UTC", "+3h30min", "Mon 2026-11-23 01:00:15.000000 UTC" },
        { "UTC", "-5s", "Sun 2026-11-22 21:30:10.000000 UTC" },
        { "UTC", "11min ago", "Sun 2026-11-22 21:19:15.000000 UTC" },
        { "UTC", "1min 5.25s ago", "Sun 2026-11-22 21:29:09.750000 UTC" },
        { "UTC", "2 h left", "Sun 2026-11-22 23:30:15.000000 UTC" },
        { "UTC", "11:12", "Sun 2026-11-22 11:12:00.000000 UTC" },
        { "UTC", "11:12:13.5", "Sun 2026-11-22 11:12:13.500000 UTC" },
        { "UTC", "Sun 11:12", "Sun 2026-11-22 11:12:00.000000 UTC" },
        { "UTC", "Mon 11:12", NULL },
        { "UTC", "12:00 +05:30", "Sun 2026-11-22 06:30:00.000000 UTC" },
        { "Europe/Berlin", "12:00", "Sun 2026-11-22 12:00:00.000000 CET" },
        /* what people write and systemd refuses */
        { "UTC", "yesterday 09:00", "Sat 2026-11-21 09:00:00.000000 UTC" },
        { "UTC", "today 9:00:01.5", "Sun 2026-11-22 09:00:01.500000 UTC" },
        { "UTC", "tomorrow 09:00 Asia/Tokyo", "Tue 2026-11-24 00:00:00.000000 UTC" },
        { "UTC", "yesterday 25:00", NULL },
        { "UTC", "yesterdays", NULL },
        { "UTC", "now 09:00", NULL },
        { "UTC", "noon", NULL },
        { "UTC", "+", NULL },
        { "UTC", " ago", NULL },
    };

    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        char text[TIMESTAMP_TEXT_MAX] = "";
        usec_t t;

        setenv("TZ", cases[i].zone, 1);
        int r = timestamp_parse_at(cases[i].text, NOW, &t);
        if (r >= 0)
            (void) timestamp_format(text, t, TIMESTAMP_US);
        if (r >= 0 ? !streq_ptr(text, cases[i].normal) : cases[i].normal != NULL)
            fail_msg("\"%s\" in %s: %d %s", cases[i].text, cases[i].zone, r, text);
    }
}

static void styles(void **state)
{
    static const struct {
        const char *name, *text;
    } cases[] = {
        { "pretty", "Mon 2026-11-23 06:30:15 JST" },
        { "us", "Mon 2026-11-23 06:30:15.000000 JST" },
        { "µs", "Mon 2026-11-23 06:30:15.000000 JST" },
        { "utc", "Sun 2026-11-22 21:30:15 UTC" },
        { "us+utc", "Sun 2026-11-22 21:30:15.000000 UTC" },
        { "unix", "@1795383015" },
    };
    enum timestamp_style style = TIMESTAMP_STYLE_MAX;
    char text[TIMESTAMP_TEXT_MAX];

    setenv("TZ", "Asia/Tokyo", 1);
    for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
        assert_int_equal(timestamp_style_from_name(cases[i].name, &style), 0);
        assert_string_equal(timestamp_format(text, NOW, style), cases[i].text);
    }
    assert_int_equal(timestamp_style_from_name("iso", &style), -EINVAL);
    assert_string_equal(timestamp_format(text, NOW, TIMESTAMP_DATE), "Mon 2026-11-23");
    assert_null(timestamp_format(text, 0, TIMESTAMP_PRETTY));
    assert_null(timestamp_format(text, USEC_INFINITY, TIMESTAMP_PRETTY));
    assert_string_equal(timestamp_format(text, USEC_INFINITY - 1, TIMESTAMP_UTC),
                        "--- XXXX-XX-XX XX:XX:XX UTC");
    assert_string_equal(timestamp_format_relative(text, NOW, NOW), "now");
}

/* A zone that is asked for must not stay. */
static void zone_is_put_back(void **state)
{
    usec_t t;

    setenv("TZ", "Asia/Tokyo", 1);
    assert_int_equal(timestamp_parse("2026-01-01 Europe/Berlin", &t), 0);
    assert_string_equal(getenv("TZ"), "Asia/Tokyo");
    unsetenv("TZ");
    assert_int_equal(timestamp_parse("2026-01-01 Europe/Berlin", &t), 0);
    assert_null(getenv("TZ"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_systemd_analyze), cmocka_unit_test(distances_as_systemd_analyze),
        cmocka_unit_test(relative_to_now),    cmocka_unit_test(styles),
        cmocka_unit_test(zone_is_put_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
