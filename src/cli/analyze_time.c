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
#include "cli/table.h"

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

/* -o json: one object an expression. */
static bool wants_json(const struct analyze_options *o)
{
    return o->ctl.output != OUTPUT_TEXT;
}

/* ---- calendar ---- */

static json_t *calendar_json(const struct analyze_options *o, const char *text, const char *normal,
                             const struct calendar *c)
{
    usec_t t = o->base_time == USEC_INFINITY ? now_usec(CLOCK_REALTIME) : o->base_time;
    json_t *elapses = json_array();

    for (unsigned i = 0; i < o->iterations && calendar_next(c, t, &t) >= 0; i++)
        json_array_append_new(elapses, json_integer((json_int_t) t));
    return json_pack("{s:s, s:s, s:o}", "original", text, "normalized", normal, "elapses_usec",
                     elapses);
}

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

static int calendar_print(const struct analyze_options *o, const char *text, json_t *all)
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
    if (wants_json(o))
        return json_array_append_new(all, calendar_json(o, text, normal, c)) < 0 ? -ENOMEM : 0;
    if (!streq(normal, text))
        print_line("Original form:", text);
    print_line("Normalized form:", normal);
    return calendar_print_elapses(o, text, c);
}

/* Each of them, with empty lines in between, or all as JSON. Returns the first error; `first`: and
 * ends there. */
static int print_each(const struct analyze_options *o, char *const *args, bool first,
                      int (*print)(const struct analyze_options *o, const char *text, json_t *all))
{
    json_t *all = json_array();
    int result = 0;

    for (char *const *a = args; *a && !(first && result < 0); a++) {
        fflush(stdout);
        int r = print(o, *a, all);
        if (r < 0 && result >= 0)
            result = r;
        if (a[1] && !wants_json(o) && !(first && r < 0))
            putchar('\n');
    }
    if (wants_json(o))
        json_print_reply(&o->ctl, all);
    else
        json_decref(all);
    return result;
}

int analyze_calendar(const struct analyze_options *o, char *const *args)
{
    return print_each(o, args, false, calendar_print);
}

/* ---- timespan ---- */

static int timespan_print(const struct analyze_options *o, const char *original, json_t *all)
{
    char text[TIMESPAN_TEXT_MAX];
    usec_t span;
    int r = timespan_parse(original, &span);

    if (r < 0) {
        fprintf(stderr, "Failed to parse time span '%s': %s\n", original, strerror(-r));
        hint_others(original, CALENDAR | TIMESTAMP);
        return r;
    }
    timespan_format(text, span, 1);
    if (wants_json(o))
        return json_array_append_new(
                   all,
                   json_pack("{s:s, s:o, s:s}", "original", original, "usec",
                             span == USEC_INFINITY ? json_null() : json_integer((json_int_t) span),
                             "human", text)) < 0
                   ? -ENOMEM
                   : 0;
    print_field("Original:", 9, original);
    printf("      μs: %" PRIu64 "\n   Human: %s\n", span, text);
    return 0;
}

int analyze_timespan(const struct analyze_options *o, char *const *args)
{
    return print_each(o, args, true, timespan_print);
}

/* ---- timestamp ---- */

int analyze_parse_time(const struct analyze_options *o, const char *text, usec_t *ret)
{
    return streq(o->ctl.program, "systemd-analyze") ? timestamp_parse(text, ret)
                                                    : timestamp_parse_spoken(text, ret);
}

static int timestamp_print(const struct analyze_options *o, const char *text, json_t *all)
{
    char formatted[TIMESTAMP_TEXT_MAX];
    usec_t t;
    int r = analyze_parse_time(o, text, &t);

    if (r < 0) {
        fprintf(stderr, "Failed to parse \"%s\": %s\n", text, strerror(-r));
        hint_others(text, CALENDAR | TIMESPAN);
        return r;
    }
    if (wants_json(o))
        return json_array_append_new(all,
                                     json_pack("{s:s, s:s?, s:I}", "original", text, "normalized",
                                               timestamp_format(formatted, t, TIMESTAMP_PRETTY),
                                               "usec", (json_int_t) t)) < 0
                   ? -ENOMEM
                   : 0;
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
    return print_each(o, args, false, timestamp_print);
}
