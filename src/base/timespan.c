#include "base/timespan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"

static const struct {
    const char *name;
    nsec_t nsec;
} units[] = {
    { "seconds", NSEC_PER_SEC },
    { "second", NSEC_PER_SEC },
    { "sec", NSEC_PER_SEC },
    { "s", NSEC_PER_SEC },
    { "minutes", USEC_PER_MINUTE *NSEC_PER_USEC },
    { "minute", USEC_PER_MINUTE *NSEC_PER_USEC },
    { "min", USEC_PER_MINUTE *NSEC_PER_USEC },
    { "months", USEC_PER_MONTH *NSEC_PER_USEC },
    { "month", USEC_PER_MONTH *NSEC_PER_USEC },
    { "M", USEC_PER_MONTH *NSEC_PER_USEC },
    { "msec", USEC_PER_MSEC *NSEC_PER_USEC },
    { "ms", USEC_PER_MSEC *NSEC_PER_USEC },
    { "m", USEC_PER_MINUTE *NSEC_PER_USEC },
    { "hours", USEC_PER_HOUR *NSEC_PER_USEC },
    { "hour", USEC_PER_HOUR *NSEC_PER_USEC },
    { "hr", USEC_PER_HOUR *NSEC_PER_USEC },
    { "h", USEC_PER_HOUR *NSEC_PER_USEC },
    { "days", USEC_PER_DAY *NSEC_PER_USEC },
    { "day", USEC_PER_DAY *NSEC_PER_USEC },
    { "d", USEC_PER_DAY *NSEC_PER_USEC },
    { "weeks", USEC_PER_WEEK *NSEC_PER_USEC },
    { "week", USEC_PER_WEEK *NSEC_PER_USEC },
    { "w", USEC_PER_WEEK *NSEC_PER_USEC },
    { "years", USEC_PER_YEAR *NSEC_PER_USEC },
    { "year", USEC_PER_YEAR *NSEC_PER_USEC },
    { "y", USEC_PER_YEAR *NSEC_PER_USEC },
    { "usec", NSEC_PER_USEC },
    { "us", NSEC_PER_USEC },
    { "μs", NSEC_PER_USEC }, /* U+03BC */
    { "µs", NSEC_PER_USEC }, /* U+00B5 */
    { "nsec", 1 },
    { "ns", 1 },
};

/* The longest prefix of s wins, so that "min" is not "m" and a rest. `divide` gives the resolution:
 * units below it are not known. Returns what follows the unit, s itself if there is none. */
static const char *unit_skip(const char *s, nsec_t divide, uint64_t *factor)
{
    const char *end = s;

    for (size_t i = 0; i < ELEMENTSOF(units); i++) {
        const char *e = startswith(s, units[i].name);

        if (e && e > end && units[i].nsec >= divide) {
            end = e;
            *factor = units[i].nsec / divide;
        }
    }
    return end;
}

/* One number with its unit, at *p. */
static int part_parse(const char **p, uint64_t default_unit, nsec_t divide, uint64_t *ret)
{
    uint64_t factor = default_unit;
    char *end;

    if (**p == '-')
        return -ERANGE;
    errno = 0;
    long long whole = strtoll(*p, &end, 10);
    if (errno != 0)
        return -errno;
    const char *fraction = end, *fraction_end = end;
    if (*end == '.') {
        fraction = end + 1;
        fraction_end = fraction + strspn(fraction, "0123456789");
        if (fraction_end == fraction)
            return -EINVAL;
    } else if (end == *p)
        return -EINVAL;

    const char *after = unit_skip(fraction_end + strspn(fraction_end, WHITESPACE), divide, &factor);
    if (after == fraction_end && *after)
        return -EINVAL; /* "1.5.5", "1e3": two numbers need white space or a unit between them */
    if (whole < 0 || (uint64_t) whole >= UINT64_MAX / factor)
        return -ERANGE;

    uint64_t value = (uint64_t) whole * factor;
    for (uint64_t scale = factor / 10; fraction < fraction_end && scale > 0; scale /= 10) {
        uint64_t more = (uint64_t) (*fraction++ - '0') * scale;

        if (value >= UINT64_MAX - more)
            return -ERANGE;
        value += more;
    }
    *p = after;
    *ret = value;
    return 0;
}

/* Sums up in units of `divide` nanoseconds. */
static int span_parse(const char *s, uint64_t default_unit, nsec_t divide, uint64_t *ret)
{
    uint64_t total = 0;

    s += strspn(s, WHITESPACE);
    const char *rest = startswith(s, "infinity");
    if (rest) {
        if (rest[strspn(rest, WHITESPACE)])
            return -EINVAL;
        *ret = UINT64_MAX;
        return 0;
    }
    if (!*s)
        return -EINVAL;
    while (*s) {
        uint64_t part = 0;
        int r = part_parse(&s, default_unit, divide, &part);

        if (r < 0)
            return r;
        if (part >= UINT64_MAX - total)
            return -ERANGE;
        total += part;
        s += strspn(s, WHITESPACE);
    }
    *ret = total;
    return 0;
}

int timespan_parse_unit(const char *s, usec_t default_unit, usec_t *ret)
{
    return span_parse(s, default_unit, NSEC_PER_USEC, ret);
}

int timespan_parse(const char *s, usec_t *ret)
{
    return timespan_parse_unit(s, USEC_PER_SEC, ret);
}

int timespan_parse_nsec(const char *s, nsec_t default_unit, nsec_t *ret)
{
    return span_parse(s, default_unit, 1, ret);
}

int timespan_parse_timeout(const char *s, usec_t *ret)
{
    usec_t span = 0;

    if (s[strspn(s, WHITESPACE)]) {
        int r = timespan_parse(s, &span);
        if (r < 0)
            return r;
    }
    *ret = span == 0 ? USEC_INFINITY : span;
    return 0;
}

/* Digits of n behind the leading one: 6 for a million. */
static int decimal_places(uint64_t n)
{
    int places = 0;

    for (; n > 1; n /= 10)
        places++;
    return places;
}

char *timespan_format(char text[static TIMESPAN_TEXT_MAX], usec_t span, usec_t accuracy)
{
    static const struct {
        const char *suffix;
        usec_t usec;
    } shown[] = {
        { "y", USEC_PER_YEAR }, { "month", USEC_PER_MONTH }, { "w", USEC_PER_WEEK },
        { "d", USEC_PER_DAY },  { "h", USEC_PER_HOUR },      { "min", USEC_PER_MINUTE },
        { "s", USEC_PER_SEC },  { "ms", USEC_PER_MSEC },     { "us", 1 },
    };
    size_t n = 0;

    if (span == USEC_INFINITY)
        return strcpy(text, "infinity");
    if (span == 0)
        return strcpy(text, "0");

    for (size_t i = 0; i < ELEMENTSOF(shown) && span > 0; i++) {
        usec_t unit = shown[i].usec, whole = span / unit, rest = span % unit;

        if (span < accuracy && n > 0)
            break;
        if (whole == 0)
            continue;
        const char *space = n > 0 ? " " : "";
        /* Below a minute the rest is a decimal fraction, as long as the accuracy asks. */
        int drop = decimal_places(accuracy), places = decimal_places(unit) - drop;
        if (span < USEC_PER_MINUTE && rest > 0 && places > 0) {
            for (int k = 0; k < drop; k++)
                rest /= 10;
            snprintf(text + n, TIMESPAN_TEXT_MAX - n, "%s%" PRIu64 ".%0*" PRIu64 "%s", space, whole,
                     MIN(places, 6), rest, shown[i].suffix);
            return text;
        }
        n += (size_t) snprintf(text + n, TIMESPAN_TEXT_MAX - n, "%s%" PRIu64 "%s", space, whole,
                               shown[i].suffix);
        span = rest;
    }
    return text;
}
