/* Times of entries, as the modes write them. */
#include <inttypes.h>
#include <string.h>

#include "journal/output-entry.h"

#define REALTIME_VALID(t) ((t) > 0 && (t) < UINT64_C(1) << 55)

static bool parse_number(const struct value *v, usec_t *ret)
{
    usec_t t = 0;

    if (!v->text || v->n == 0)
        return false;
    for (size_t i = 0; i < v->n; i++) {
        unsigned digit = (unsigned) v->text[i] - '0';

        if (digit > 9 || __builtin_mul_overflow(t, 10, &t) || __builtin_add_overflow(t, digit, &t))
            return false;
    }
    *ret = t;
    return true;
}

static usec_t move_clock(usec_t from, usec_t from_base, usec_t to_base)
{
    return from >= from_base ? usec_add(to_base, from - from_base)
                             : usec_sub(to_base, from_base - from);
}

struct dual_time output_display_time(const struct entry_object *e, const struct value *values)
{
    struct dual_time t = { e->realtime, e->monotonic };
    usec_t realtime, monotonic;
    bool has_realtime = parse_number(&values[FIELD_SOURCE_REALTIME], &realtime) &&
                        REALTIME_VALID(realtime);
    bool has_monotonic = parse_number(&values[FIELD_SOURCE_MONOTONIC], &monotonic) &&
                         REALTIME_VALID(monotonic);

    if (has_realtime) {
        t.realtime = realtime;
        t.monotonic = has_monotonic ? monotonic : move_clock(realtime, e->realtime, e->monotonic);
    } else if (has_monotonic) {
        t.monotonic = monotonic;
        t.realtime = move_clock(monotonic, e->monotonic, e->realtime);
    }
    return t;
}

static const char *time_pattern(enum entry_mode mode)
{
    switch ((int) mode) {
    case ENTRY_SHORT_FULL:
    case ENTRY_WITH_UNIT:
        return "%a %Y-%m-%d %H:%M:%S %Z";
    case ENTRY_VERBOSE:
        return "%a %Y-%m-%d %H:%M:%S";
    case ENTRY_SHORT_ISO:
    case ENTRY_SHORT_ISO_PRECISE:
        return "%Y-%m-%dT%H:%M:%S";
    default:
        return "%b %d %H:%M:%S";
    }
}

/* Most entries are of the same second as the one before. */
void output_second(struct output *o, usec_t t, enum entry_mode mode)
{
    usec_t second = t / USEC_PER_SEC;

    if (o->time_length == 0 || o->time_second != second) {
        time_t seconds = (time_t) second;
        struct tm tm;

        if (o->options.utc)
            gmtime_r(&seconds, &tm);
        else
            localtime_r(&seconds, &tm);
        o->time_length = strftime(o->time_text, sizeof o->time_text, time_pattern(mode), &tm);
        o->time_second = second;
        if (o->options.utc && (mode == ENTRY_SHORT_FULL || mode == ENTRY_WITH_UNIT))
            memcpy(o->time_text + o->time_length - 3, "UTC", 3);
    }
    strbuf_add_n(o->out, o->time_text, o->time_length);
}

void output_zone(struct output *o, usec_t t, const char *pattern)
{
    time_t seconds = (time_t) (t / USEC_PER_SEC);
    struct tm tm;
    char zone[16];

    if (o->options.utc)
        gmtime_r(&seconds, &tm);
    else
        localtime_r(&seconds, &tm);
    size_t n = strftime(zone, sizeof zone, pattern, &tm);
    if (streq(pattern, "%Z") && o->options.utc)
        strbuf_add(o->out, "UTC");
    else if (streq(pattern, "%z") && n == 5)
        strbuf_addf(o->out, "%.3s:%s", zone, zone + 3);
    else
        strbuf_add_n(o->out, zone, n);
}

void output_micro(struct output *o, usec_t t)
{
    char text[8] = ".000000";
    unsigned rest = (unsigned) (t % USEC_PER_SEC);

    for (int i = 6; i > 0; i--, rest /= 10)
        text[i] = (char) ('0' + rest % 10);
    strbuf_add_n(o->out, text, 7);
}

static void add_delta(struct output *o, const struct entry_object *e, const struct dual_time *t)
{
    strbuf_addf(o->out, "[%5" PRIu64 ".%06" PRIu64, t->monotonic / USEC_PER_SEC,
                t->monotonic % USEC_PER_SEC);
    if (o->has_previous) {
        bool same = id128_equal(o->previous_boot, e->boot_id);
        usec_t delta = same ? usec_sub(t->monotonic, o->previous_monotonic)
                            : usec_sub(t->realtime, o->previous_realtime);

        strbuf_addf(o->out, " <%5" PRIu64 ".%06" PRIu64 "%s>", delta / USEC_PER_SEC,
                    delta % USEC_PER_SEC, same ? " " : "*");
    } else {
        strbuf_addf(o->out, "%16s", "");
    }
    strbuf_add_char(o->out, ']');
    o->previous_boot = e->boot_id;
    o->previous_monotonic = t->monotonic;
    o->previous_realtime = t->realtime;
    o->has_previous = true;
}

void output_time(struct output *o, const struct entry_object *e, const struct value *values)
{
    struct dual_time t = output_display_time(e, values);

    switch ((int) o->options.mode) {
    case ENTRY_SHORT_MONOTONIC:
        strbuf_addf(o->out, "[%5" PRIu64 ".%06" PRIu64 "]", t.monotonic / USEC_PER_SEC,
                    t.monotonic % USEC_PER_SEC);
        return;
    case ENTRY_SHORT_DELTA:
        add_delta(o, e, &t);
        return;
    case ENTRY_SHORT_UNIX:
        strbuf_addf(o->out, "%10" PRIu64, t.realtime / USEC_PER_SEC);
        output_micro(o, t.realtime);
        return;
    default:
        break;
    }
    output_second(o, t.realtime, o->options.mode);
    if (o->options.mode == ENTRY_SHORT_PRECISE || o->options.mode == ENTRY_SHORT_ISO_PRECISE)
        output_micro(o, t.realtime);
    if (o->options.mode == ENTRY_SHORT_ISO || o->options.mode == ENTRY_SHORT_ISO_PRECISE)
        output_zone(o, t.realtime, "%z");
}
