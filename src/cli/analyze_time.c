/* cli/analyze_time.c -- calendar events, time spans and time stamps taken apart, as
 * systemd-analyze(1) does. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/calendar.h"
#include "base/str.h"
#include "base/timespan.h"
#include "base/timestamp.h"
#include "cli/analyze.h"

DEFINE_AUTO(struct calendar, calendar_free, calendar_free)

enum { CALENDAR = 1 << 0, TIMESTAMP = 1 << 1, TIMESPAN = 1 << 2 };

static void hint(const char *text, const char *what, const char *command)
{
    fprintf(stderr,
            "Hint: this expression is a valid %s. Use 'systemd-analyze %s \"%s\"' instead?\n", what,
            command, text);
}

/* Says which of the other kinds of expression the text would be. */
static void hint_others(const char *text, unsigned kinds)
{
    _cleanup_(auto_calendar_free_p) struct calendar *c = NULL;
    usec_t t;

    fflush(stdout);
    if (kinds & CALENDAR && calendar_parse(text, &c) >= 0)
        hint(text, "calendar specification", "calendar");
    if (kinds & TIMESTAMP && timestamp_parse(text, &t) >= 0)
        hint(text, "timestamp", "timestamp");
    if (kinds & TIMESPAN && timespan_parse(text, &t) >= 0)
        hint(text, "timespan", "timespan");
}

/* As the tables of systemd do, without white space at the end. */
static void print_field(const char *name, int width, const char *value)
{
    size_t n = strlen(value);

    while (n > 0 && strchr(WHITESPACE, value[n - 1]))
        n--;
    printf("%*s %.*s\n", width, name, (int) n, value);
}

static void print_line(const char *name, const char *value)
{
    print_field(name, 16, value ?: "-");
}

static void print_relative(usec_t t)
{
    char text[TIMESTAMP_TEXT_MAX];

    print_line("From now:", timestamp_format_relative(text, t, now_usec(CLOCK_REALTIME)));
}

/* Whether local time is UTC, so that a line in UTC would say it twice. */
static bool local_is_utc(void)
{
    tzset();
    return timezone == 0 && daylight == 0;
}

static void print_in_utc(usec_t t)
{
    char text[TIMESTAMP_TEXT_MAX];

    if (!local_is_utc())
        print_line("(in UTC):", timestamp_format(text, t, TIMESTAMP_UTC));
}

/* ---- calendar ---- */

static int calendar_print_elapses(const struct analyze_options *o, const char *text,
                                  const struct calendar *c)
{
    char elapse[TIMESTAMP_TEXT_MAX], name[32];
    usec_t t = o->base_time == USEC_INFINITY ? now_usec(CLOCK_REALTIME) : o->base_time;

    for (unsigned i = 0; i < o->iterations; i++) {
        int r = calendar_next(c, t, &t);

        if (r == -ENOENT) {
            if (i == 0)
                print_line("Next elapse:", "never");
            return 0;
        }
        if (r < 0) {
            fprintf(stderr, "Failed to determine next elapse for '%s': %s\n", text, strerror(-r));
            return r;
        }
        snprintf(name, sizeof name, "Iteration #%u:", i + 1);
        print_line(i == 0 ? "Next elapse:" : name, timestamp_format(elapse, t, TIMESTAMP_PRETTY));
        print_in_utc(t);
        print_relative(t);
    }
    return 0;
}

static int calendar_print(const struct analyze_options *o, const char *text)
{
    _cleanup_(auto_calendar_free_p) struct calendar *c = NULL;
    int r = calendar_parse(text, &c);

    if (r < 0) {
        fprintf(stderr, "Failed to parse calendar specification '%s': %s\n", text, strerror(-r));
        hint_others(text, TIMESTAMP | TIMESPAN);
        return r;
    }
    auto_free char *normal = calendar_format(c);
    if (!normal) {
        fprintf(stderr, "Failed to format calendar specification '%s': %s\n", text,
                strerror(ENOMEM));
        return -ENOMEM;
    }
    if (!streq(normal, text))
        print_line("Original form:", text);
    print_line("Normalized form:", normal);
    return calendar_print_elapses(o, text, c);
}

int analyze_calendar(const struct analyze_options *o, char *const *args)
{
    int result = 0;

    for (char *const *a = args; *a; a++) {
        fflush(stdout);
        int r = calendar_print(o, *a);
        if (r < 0 && result >= 0)
            result = r;
        if (a[1])
            putchar('\n');
    }
    return result;
}

/* ---- timespan ---- */

int analyze_timespan(const struct analyze_options *o, char *const *args)
{
    char text[TIMESPAN_TEXT_MAX];

    (void) o;
    for (char *const *a = args; *a; a++) {
        usec_t span;
        int r = timespan_parse(*a, &span);

        if (r < 0) {
            fflush(stdout);
            fprintf(stderr, "Failed to parse time span '%s': %s\n", *a, strerror(-r));
            hint_others(*a, CALENDAR | TIMESTAMP);
            return r;
        }
        print_field("Original:", 9, *a);
        printf("      μs: %" PRIu64 "\n   Human: %s\n", span, timespan_format(text, span, 1));
        if (a[1])
            putchar('\n');
    }
    return 0;
}

/* ---- timestamp ---- */

static int timestamp_print(const char *text)
{
    char formatted[TIMESTAMP_TEXT_MAX];
    usec_t t;
    int r = timestamp_parse(text, &t);

    if (r < 0) {
        fprintf(stderr, "Failed to parse \"%s\": %s\n", text, strerror(-r));
        hint_others(text, CALENDAR | TIMESPAN);
        return r;
    }
    print_line("Original form:", text);
    print_line("Normalized form:", timestamp_format(formatted, t, TIMESTAMP_PRETTY));
    print_in_utc(t);
    if (t % USEC_PER_SEC > 0)
        snprintf(formatted, sizeof formatted, "@%" PRIu64 ".%06" PRIu64, t / USEC_PER_SEC,
                 t % USEC_PER_SEC);
    else
        snprintf(formatted, sizeof formatted, "@%" PRIu64, t / USEC_PER_SEC);
    print_line("UNIX seconds:", formatted);
    print_relative(t);
    return 0;
}

int analyze_timestamp(const struct analyze_options *o, char *const *args)
{
    int result = 0;

    (void) o;
    for (char *const *a = args; *a; a++) {
        fflush(stdout);
        int r = timestamp_print(*a);
        if (r < 0 && result >= 0)
            result = r;
        if (a[1])
            putchar('\n');
    }
    return result;
}
