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

struct case_at_now {
    const char *zone, *text, *normal; /* NULL: refused */
};

static void check_at_now(const struct case_at_now *cases, size_t n,
                         int (*parse)(const char *s, usec_t now, usec_t *ret))
{
    for (size_t i = 0; i < n; i++) {
        char text[TIMESTAMP_TEXT_MAX] = "";
        usec_t t;

        setenv("TZ", cases[i].zone, 1);
        int r = parse(cases[i].text, NOW, &t);
        if (r >= 0)
            (void) timestamp_format(text, t, TIMESTAMP_US);
        if (r >= 0 ? !streq_ptr(text, cases[i].normal) : cases[i].normal != NULL)
            fail_msg("\"%s\" in %s: %d %s", cases[i].text, cases[i].zone, r, text);
    }
}

static void relative_to_now(void **state)
{
    static const struct case_at_now cases[] = {
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
        /* as syslog has it: not in systemd.time(7), but taken by systemd-analyze 257 */
        { "UTC", "Nov 22 21:30:15", "Sun 2026-11-22 21:30:15.000000 UTC" },
        { "UTC", "nov  3 1:2:3.5", "Tue 2026-11-03 01:02:03.500000 UTC" },
        { "UTC", "Dec 22 21:30:15", "Tue 2026-12-22 21:30:15.000000 UTC" },
        { "UTC", "June 1 01:01:01", "Mon 2026-06-01 01:01:01.000000 UTC" },
        { "UTC", "Nov 22 21:30:15 Europe/Berlin", "Sun 2026-11-22 20:30:15.000000 UTC" },
        { "UTC", "Nov 22 21:30:15+01:00", "Sun 2026-11-22 20:30:15.000000 UTC" },
        { "UTC", "Sun Nov 22 21:30:15", "Sun 2026-11-22 21:30:15.000000 UTC" },
        { "UTC", "Feb 29 10:00:00", "Sun 2026-03-01 10:00:00.000000 UTC" },
        { "UTC", "Nov22 21:30:15", "Sun 2026-11-22 21:30:15.000000 UTC" },
        { "UTC", "Mon Nov 22 21:30:15", NULL },
        { "UTC", "Nov 22 21:30", NULL },
        { "UTC", "Nov 22", NULL },
        { "UTC", "Sept 1 01:01:01", NULL },
        { "UTC", "Nov 32 01:01:01", NULL },
        { "UTC", "Nov 022 21:30:15", NULL },
        { "UTC", " Nov 22 21:30:15", NULL },
        { "UTC", "yesterday 09:00", NULL },
        { "UTC", "yesterdays", NULL },
        { "UTC", "now 09:00", NULL },
        { "UTC", "noon", NULL },
        { "UTC", "+", NULL },
        { "UTC", " ago", NULL },
    };

    check_at_now(cases, ELEMENTSOF(cases), timestamp_parse_at);
}

/* What people write and systemd refuses. */
static void spoken(void **state)
{
    static const struct case_at_now cases[] = {
        { "UTC", "yesterday 09:00", "Sat 2026-11-21 09:00:00.000000 UTC" },
        { "UTC", "today 9:00:01.5", "Sun 2026-11-22 09:00:01.500000 UTC" },
        { "UTC", "tomorrow 09:00 Asia/Tokyo", "Tue 2026-11-24 00:00:00.000000 UTC" },
        { "UTC", "today 9am", "Sun 2026-11-22 09:00:00.000000 UTC" },
        { "UTC", "9am yesterday", "Sat 2026-11-21 09:00:00.000000 UTC" },
        { "UTC", "Yesterday at 9:30 PM", "Sat 2026-11-21 21:30:00.000000 UTC" },
        { "UTC", "9am", "Sun 2026-11-22 09:00:00.000000 UTC" },
        { "UTC", "9 am", "Sun 2026-11-22 09:00:00.000000 UTC" },
        { "UTC", "9:30pm", "Sun 2026-11-22 21:30:00.000000 UTC" },
        { "UTC", "9:30:15.25pm", "Sun 2026-11-22 21:30:15.250000 UTC" },
        { "UTC", "12am", "Sun 2026-11-22 00:00:00.000000 UTC" },
        { "UTC", "12pm", "Sun 2026-11-22 12:00:00.000000 UTC" },
        { "UTC", "12:30am", "Sun 2026-11-22 00:30:00.000000 UTC" },
        { "UTC", "noon", "Sun 2026-11-22 12:00:00.000000 UTC" },
        { "UTC", "midnight", "Sun 2026-11-22 00:00:00.000000 UTC" },
        { "UTC", "yesterday noon", "Sat 2026-11-21 12:00:00.000000 UTC" },
        { "UTC", "monday", "Mon 2026-11-16 00:00:00.000000 UTC" },
        { "UTC", "saturday", "Sat 2026-11-21 00:00:00.000000 UTC" },
        { "UTC", "sunday", "Sun 2026-11-22 00:00:00.000000 UTC" },
        { "UTC", "last sunday", "Sun 2026-11-15 00:00:00.000000 UTC" },
        { "UTC", "last monday", "Mon 2026-11-16 00:00:00.000000 UTC" },
        { "UTC", "mon 09:00", "Mon 2026-11-16 09:00:00.000000 UTC" },
        { "UTC", "Tues 9:30pm", "Tue 2026-11-17 21:30:00.000000 UTC" },
        { "UTC", "last Thurs at noon", "Thu 2026-11-19 12:00:00.000000 UTC" },
        { "UTC", "sun 23:00", "Sun 2026-11-22 23:00:00.000000 UTC" }, /* as systemd takes it */
        { "UTC", "sunday 11pm", "Sun 2026-11-22 23:00:00.000000 UTC" },
        { "Asia/Tokyo", "monday", "Mon 2026-11-23 00:00:00.000000 JST" },
        { "Asia/Tokyo", "monday UTC", "Mon 2026-11-16 09:00:00.000000 JST" },
        { "UTC", "monday Asia/Tokyo", "Sun 2026-11-22 15:00:00.000000 UTC" },
        { "Europe/Berlin", "friday 9am", "Fri 2026-11-20 09:00:00.000000 CET" },
        { "UTC", "an hour ago", "Sun 2026-11-22 20:30:15.000000 UTC" },
        { "UTC", "An Hour Ago", "Sun 2026-11-22 20:30:15.000000 UTC" },
        { "UTC", "2 Hours ago", "Sun 2026-11-22 19:30:15.000000 UTC" },
        { "UTC", "a minute ago", "Sun 2026-11-22 21:29:15.000000 UTC" },
        { "UTC", "1h", "Sun 2026-11-22 20:30:15.000000 UTC" },
        { "UTC", "1h30m", "Sun 2026-11-22 20:00:15.000000 UTC" },
        { "UTC", "10m", "Sun 2026-11-22 21:20:15.000000 UTC" },
        { "UTC", "2 days", "Fri 2026-11-20 21:30:15.000000 UTC" },
        { "UTC", "last week", "Sun 2026-11-15 21:30:15.000000 UTC" },
        { "UTC", "last hour", "Sun 2026-11-22 20:30:15.000000 UTC" },
        { "UTC", "the last 2 hours", "Sun 2026-11-22 19:30:15.000000 UTC" },
        { "UTC", "past 3d", "Thu 2026-11-19 21:30:15.000000 UTC" },
        { "UTC", "Nov 22", "Sun 2026-11-22 00:00:00.000000 UTC" },
        { "UTC", "Nov 22 21:30", "Sun 2026-11-22 21:30:00.000000 UTC" },
        { "UTC", "22 November 2025", "Sat 2025-11-22 00:00:00.000000 UTC" },
        { "UTC", "November 2nd, 2025, 9am", "Sun 2025-11-02 09:00:00.000000 UTC" },
        { "UTC", "Sun Nov 22 21:30:15 UTC 2026", "Sun 2026-11-22 21:30:15.000000 UTC" },
        { "UTC", "Sun Nov 22 09:30:15 PM JST 2026", NULL }, /* no zone that is known here */
        { "Asia/Tokyo", "Sun Nov 22 09:30:15 PM JST 2026", "Sun 2026-11-22 21:30:15.000000 JST" },
        { "UTC", "Sun Nov 22 21:30:15 2026 +0100", "Sun 2026-11-22 20:30:15.000000 UTC" },
        { "UTC", "2026-11-01 9am", "Sun 2026-11-01 09:00:00.000000 UTC" },
        { "UTC", "2026-11-01T09:00+0100", "Sun 2026-11-01 08:00:00.000000 UTC" },
        { "UTC", "2026-11-01T09:00:01,5", "Sun 2026-11-01 09:00:01.500000 UTC" },
        { "UTC", "2026-11-01 09:00:01,250Z", "Sun 2026-11-01 09:00:01.250000 UTC" },
        { "UTC", "2026/11/01 09:00", "Sun 2026-11-01 09:00:00.000000 UTC" },
        { "UTC", "  2026-11-01  ", "Sun 2026-11-01 00:00:00.000000 UTC" },
        /* what systemd takes is as it is */
        { "UTC", "11:12", "Sun 2026-11-22 11:12:00.000000 UTC" },
        { "UTC", "tomorrow", "Mon 2026-11-23 00:00:00.000000 UTC" },
        { "UTC", "Dec 22 21:30:15", "Tue 2026-12-22 21:30:15.000000 UTC" },
        { "UTC", "5min ago", "Sun 2026-11-22 21:25:15.000000 UTC" },
        { "UTC", "2026-11-01T09:00", "Sun 2026-11-01 09:00:00.000000 UTC" },
        { "UTC", "2026-11-01T09:00+01:00", "Sun 2026-11-01 08:00:00.000000 UTC" },
        /* what is in no way a time, or in two */
        { "UTC", "", NULL },
        { "UTC", " ", NULL },
        { "UTC", "5", NULL },
        { "UTC", "2026", NULL },
        { "UTC", "hour", NULL },
        { "UTC", "last", NULL },
        { "UTC", "last night", NULL },
        { "UTC", "last 22 Nov", NULL },
        { "UTC", "infinity", NULL },
        { "UTC", "last infinity", NULL },
        { "UTC", "99y", NULL },
        { "UTC", "yesterday 25:00", NULL },
        { "UTC", "yesterdays", NULL },
        { "UTC", "yesterday today", NULL },
        { "UTC", "monday tuesday", NULL },
        { "UTC", "noon 9am", NULL },
        { "UTC", "13pm", NULL },
        { "UTC", "0am", NULL },
        { "UTC", "pm", NULL },
        { "UTC", "monday pm", NULL },
        { "UTC", "9am pm", NULL },
        { "UTC", "9 am pm", NULL },
        { "UTC", "9:00:00:00pm", NULL },
        { "UTC", "mo", NULL },
        { "UTC", "mondays", NULL },
        { "UTC", "Nov", NULL },
        { "UTC", "22", NULL },
        { "UTC", "22x Nov", NULL },
        { "UTC", "Mon Nov 22", NULL },
        { "UTC", "at", NULL },
        { "UTC", "now 09:00", NULL },
        { "UTC", "01/02/2026", NULL },
        { "UTC", "2026-11-01-2026-11-01-2026-11-01-2026-11-01-2026-11-01", NULL },
        { "UTC", "1111111111111111111111111111111111111am", NULL },
        { "UTC", "+", NULL },
        { "UTC", " ago", NULL },
    };

    check_at_now(cases, ELEMENTSOF(cases), timestamp_parse_spoken_at);
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
        cmocka_unit_test(as_systemd_analyze),
        cmocka_unit_test(distances_as_systemd_analyze),
        cmocka_unit_test(relative_to_now),
        cmocka_unit_test(spoken),
        cmocka_unit_test(styles),
        cmocka_unit_test(zone_is_put_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
