#include "base/timestamp.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/spoken.h"
#include "base/str.h"
#include "base/timespan.h"
#include "base/zone.h"

/* 9999-12-30 23:59:59 UTC: the last day that has four digits in every zone. */
#define TIMESTAMP_SHOWN_MAX (UINT64_C(253402214399) * USEC_PER_SEC)

/* ---- parsing ---- */

/* A number of at most `digits` digits between low and high, white space before it allowed. */
static bool take_number(const char **p, int low, int high, int digits, int *ret)
{
    const char *s = *p + strspn(*p, WHITESPACE);
    int value = 0, n = 0;

    for (; n < digits && isdigit((unsigned char) *s); n++)
        value = value * 10 + (*s++ - '0');
    if (n == 0 || value < low || value > high)
        return false;
    *ret = value;
    *p = s;
    return true;
}

static bool take_char(const char **p, char c)
{
    if (**p != c)
        return false;
    (*p)++;
    return true;
}

/* The day of the week, which "Fri" before the date has to agree with. */
static void set_weekday(struct tm *tm)
{
    struct tm day = { .tm_year = tm->tm_year, .tm_mon = tm->tm_mon, .tm_mday = tm->tm_mday };

    (void) timegm(&day);
    tm->tm_wday = day.tm_wday;
}

/* "2012-11-23" or "12-11-23". */
static bool take_date(const char **p, bool short_year, struct tm *tm)
{
    const char *s = *p;
    struct tm t = *tm;

    if (short_year) {
        if (!take_number(&s, 0, 99, 2, &t.tm_year))
            return false;
        t.tm_year += t.tm_year < 69 ? 100 : 0;
    } else {
        if (!take_number(&s, 0, 9999, 4, &t.tm_year))
            return false;
        t.tm_year -= 1900;
    }
    if (!take_char(&s, '-') || !take_number(&s, 1, 12, 2, &t.tm_mon) || !take_char(&s, '-') ||
        !take_number(&s, 1, 31, 2, &t.tm_mday))
        return false;
    t.tm_mon--;
    set_weekday(&t);
    *tm = t;
    *p = s;
    return true;
}

/* Up to six digits behind the point, the seventh rounds. */
static bool take_fraction(const char **p, usec_t *ret)
{
    const char *s = *p;
    usec_t value = 0, scale = USEC_PER_SEC;

    if (!isdigit((unsigned char) *s))
        return false;
    for (; isdigit((unsigned char) *s) && scale > 1; s++)
        value += (usec_t) (*s - '0') * (scale /= 10);
    if (isdigit((unsigned char) *s) && *s >= '5')
        value++;
    s += strspn(s, "0123456789");
    *ret = value;
    *p = s;
    return true;
}

/* "Nov 22": of this year. */
static bool take_month_and_day(const char **p, struct tm *tm)
{
    for (int i = 0; i < 12; i++) {
        size_t n = strlen(month_names[i]);

        if (strncasecmp(*p, month_names[i], 3) != 0)
            continue;
        const char *s = *p + (strncasecmp(*p, month_names[i], n) == 0 ? n : 3);
        if (!take_number(&s, 1, 31, 2, &tm->tm_mday))
            return false;
        tm->tm_mon = i;
        set_weekday(tm);
        *p = s;
        return true;
    }
    return false;
}

/* "11:12", "11:12:13", "11:12:13.5". */
static bool take_time(const char **p, struct tm *tm, usec_t *usec)
{
    const char *s = *p;
    struct tm t = *tm;
    usec_t fraction = 0;

    if (!take_number(&s, 0, 23, 2, &t.tm_hour) || !take_char(&s, ':') ||
        !take_number(&s, 0, 59, 2, &t.tm_min))
        return false;
    t.tm_sec = 0;
    if (take_char(&s, ':')) {
        if (!take_number(&s, 0, 61, 2, &t.tm_sec))
            return false;
        if (take_char(&s, '.') && !take_fraction(&s, &fraction))
            return false;
    }
    *tm = t;
    *usec = fraction;
    *p = s;
    return true;
}

/* A date, a time, or both with white space, "T" or nothing between them, to the end of the text. */
static bool parse_date_and_time(const char *s, struct tm *tm, usec_t *usec)
{
    static const bool short_year[] = { true, false };

    for (size_t i = 0; i < ELEMENTSOF(short_year); i++) {
        const char *p = s;
        struct tm t = *tm;

        if (!take_date(&p, short_year[i], &t))
            continue;
        if (*p) {
            if (!short_year[i] && *p == 'T')
                p++;
            if (!take_time(&p, &t, usec) || *p)
                continue;
        } else
            t.tm_hour = t.tm_min = t.tm_sec = 0;
        *tm = t;
        return true;
    }
    /* As syslog has it, the seconds included; not in systemd.time(7), but taken by systemd. */
    if (take_month_and_day(&s, tm)) {
        const char *colon = strchr(s, ':');

        return colon && strchr(colon + 1, ':') && take_time(&s, tm, usec) && !*s;
    }
    return take_time(&s, tm, usec) && !*s;
}

static bool parse_named_day(const char *s, struct tm *tm)
{
    static const struct {
        const char *name;
        int days;
    } days[] = { { "today", 0 }, { "yesterday", -1 }, { "tomorrow", 1 } };

    for (size_t i = 0; i < ELEMENTSOF(days); i++) {
        if (!streq(s, days[i].name))
            continue;
        tm->tm_mday += days[i].days;
        tm->tm_hour = tm->tm_min = tm->tm_sec = 0;
        return true;
    }
    return false;
}

/* Where the text goes on after a weekday and a space; *ret_wday is -1 without one. */
static const char *skip_weekday(const char *s, int *ret_wday)
{
    *ret_wday = -1;
    for (int i = 0; i < 7; i++) {
        size_t n = strlen(weekday_names[i]);

        if (strncasecmp(s, weekday_names[i], 3) != 0)
            continue;
        if (strncasecmp(s, weekday_names[i], n) != 0)
            n = 3;
        if (s[n] != ' ')
            continue;
        *ret_wday = i;
        return s + n + 1;
    }
    return s;
}

/* How the zone of a time stamp was given, and which words are taken. */
struct reading {
    bool utc;
    int dst;     /* of the local zone: 0, 1, or -1 for whichever applies */
    int offset;  /* seconds east of UTC; with utc */
    bool spoken; /* those of base/spoken.h as well */
};

/* A point in time with a date or a time of day. */
static int parse_absolute(const char *s, usec_t now, const struct reading *how, usec_t *ret)
{
    char text[SPOKEN_TEXT_MAX];
    struct tm tm;
    usec_t fraction = 0;
    int wday, r;

    zone_fields((time_t) (now / USEC_PER_SEC), how->utc, &tm);
    tm.tm_isdst = how->dst;
    if (how->spoken) {
        r = spoken_rewrite(s, &tm, text);
        if (r < 0)
            return r;
        s = text;
    }
    if (!parse_named_day(s, &tm)) {
        s = skip_weekday(s, &wday);
        if (!parse_date_and_time(s, &tm, &fraction) || (wday >= 0 && wday != tm.tm_wday))
            return -EINVAL;
    }
    time_t t = zone_time(&tm, how->utc);
    if (t < 0)
        return -ERANGE;
    int64_t shifted = (int64_t) t - how->offset;
    if (shifted < 0)
        return -ERANGE;
    usec_t result = (usec_t) shifted * USEC_PER_SEC + fraction;
    if (result > TIMESTAMP_SHOWN_MAX)
        return -EINVAL;
    *ret = result;
    return 0;
}

/* "now", "+5min", "-5min", "5min ago", "5min left", "@seconds". Returns 1 if it was one of these,
 * 0 if not. */
static int parse_relative(const char *s, usec_t now, usec_t *ret)
{
    const char *suffix = NULL, *span = s;
    bool before = false;
    usec_t distance;

    if (streq(s, "now")) {
        *ret = now;
        return 1;
    }
    if (*s == '@') {
        int r = timespan_parse(s + 1, ret);
        return r < 0 ? r : 1;
    }
    if (*s == '+' || *s == '-') {
        before = *s == '-';
        span++;
    } else if ((suffix = endswith(s, " ago")))
        before = true;
    else if (!(suffix = endswith(s, " left")))
        return 0;

    auto_free char *text = memdup0(span, suffix ? (size_t) (suffix - span) : strlen(span));
    if (!text)
        return -ENOMEM;
    int r = timespan_parse(text, &distance);
    if (r < 0)
        return r;
    usec_t result = before ? usec_sub(now, distance) : usec_add(now, distance);
    /* Neither the end of time nor its beginning: both would read as "no time". */
    if (result == 0 || result > TIMESTAMP_SHOWN_MAX)
        return -EINVAL;
    *ret = result;
    return 1;
}

/* "+05", "-0530", "+05:30": seconds east of UTC. */
static bool parse_offset(const char *s, int *ret)
{
    int digits[4], n = 0;

    if (*s != '+' && *s != '-')
        return false;
    for (const char *p = s + 1; *p; p++) {
        if (*p == ':' && n == 2)
            continue;
        if (!isdigit((unsigned char) *p) || n == 4)
            return false;
        digits[n++] = *p - '0';
    }
    if ((n != 2 && n != 4) || s[strlen(s) - 1] == ':')
        return false;
    int hours = digits[0] * 10 + digits[1], minutes = n == 4 ? digits[2] * 10 + digits[3] : 0;
    if (minutes > 59 || hours * 60 + minutes > 24 * 60)
        return false;
    *ret = (hours * 60 + minutes) * 60 * (*s == '-' ? -1 : 1);
    return true;
}

static int parse_part(const char *s, size_t n, usec_t now, const struct reading *how, usec_t *ret)
{
    auto_free char *part = memdup0(s, n);

    return part ? parse_absolute(part, now, how, ret) : -ENOMEM;
}

/* A zone in a word of its own, at the end. */
static int parse_with_zone_word(const char *s, usec_t now, bool spoken, usec_t *ret)
{
    struct reading local = { .dst = -1, .spoken = spoken };
    struct reading zone = { .utc = true, .dst = -1, .spoken = spoken };
    const char *word = strrchr(s, ' ');

    if (!word)
        return parse_absolute(s, now, &local, ret);
    size_t n = (size_t) (word++ - s);
    if (streq(word, "UTC") || streq(word, "Z") || parse_offset(word, &zone.offset))
        return parse_part(s, n, now, &zone, ret);

    auto_zone_switch struct zone_switch other = {};
    tzset();
    for (int i = 0; i < 2; i++)
        if (!isempty(tzname[i]) && streq(word, tzname[i])) {
            local.dst = i;
            return parse_part(s, n, now, &local, ret);
        }
    if (!zone_is_valid(word))
        return parse_absolute(s, now, &local, ret);
    int r = zone_enter(&other, word);
    return r < 0 ? r : parse_part(s, n, now, &local, ret);
}

/* RFC 3339: the zone affixed to the time, in n characters. */
static int parse_with_affix(const char *s, size_t n, usec_t now, bool spoken, usec_t *ret)
{
    struct reading how = { .utc = true, .dst = -1, .spoken = spoken };
    size_t length = strlen(s);

    if (length <= n + 1 || s[length - n - 1] == ' ')
        return -EINVAL;
    const char *affix = s + length - n;
    if (!streq(affix, "Z") && (n == 1 || !parse_offset(affix, &how.offset)))
        return -EINVAL;
    return parse_part(s, length - n, now, &how, ret);
}

int timestamp_parse_at(const char *s, usec_t now, usec_t *ret)
{
    int r;

    if (parse_with_affix(s, 1, now, false, ret) >= 0 ||
        parse_with_affix(s, 6, now, false, ret) >= 0)
        return 0;
    r = parse_relative(s, now, ret);
    if (r != 0)
        return r < 0 ? r : 0;
    return parse_with_zone_word(s, now, false, ret);
}

int timestamp_parse(const char *s, usec_t *ret)
{
    return timestamp_parse_at(s, now_usec(CLOCK_REALTIME), ret);
}

/* "Sun Nov 22 21:30:15 UTC 2026", as date(1) prints it, with the zone at the end; NULL where the
 * last word is no year, or where memory is out. */
static char *zone_to_end(const char *s)
{
    const char *year = strrchr(s, ' '), *zone = year;

    if (!year || strlen(year) != 5 || strspn(year + 1, "0123456789") != 4)
        return NULL;
    while (zone > s && zone[-1] != ' ')
        zone--;
    int before = (int) (zone - s), n = (int) (year - zone);
    return n > 0 ? format("%.*s%s %.*s", before, s, year + 1, n, zone) : NULL;
}

static int parse_spoken(const char *s, usec_t now, usec_t *ret)
{
    if (parse_with_affix(s, 1, now, true, ret) >= 0 ||
        parse_with_affix(s, 6, now, true, ret) >= 0 || parse_with_affix(s, 5, now, true, ret) >= 0)
        return 0;
    return parse_with_zone_word(s, now, true, ret);
}

int timestamp_parse_spoken_at(const char *s, usec_t now, usec_t *ret)
{
    usec_t distance;
    int r = timestamp_parse_at(s, now, ret);

    if (r != -EINVAL)
        return r;
    if (spoken_distance(s, &distance)) {
        if (distance >= now)
            return -ERANGE;
        *ret = now - distance;
        return 0;
    }
    r = parse_spoken(s, now, ret);
    if (r != -EINVAL)
        return r;
    auto_free char *turned = zone_to_end(s);
    return turned ? parse_spoken(turned, now, ret) : -EINVAL;
}

int timestamp_parse_spoken(const char *s, usec_t *ret)
{
    return timestamp_parse_spoken_at(s, now_usec(CLOCK_REALTIME), ret);
}

/* ---- formatting ---- */

char *timestamp_format(char text[static TIMESTAMP_TEXT_MAX], usec_t t, enum timestamp_style style)
{
    bool utc = style == TIMESTAMP_UTC || style == TIMESTAMP_US_UTC;
    bool fraction = style == TIMESTAMP_US || style == TIMESTAMP_US_UTC;
    struct tm tm;

    if (t == 0 || t == USEC_INFINITY)
        return NULL;
    if (style == TIMESTAMP_UNIX) {
        snprintf(text, TIMESTAMP_TEXT_MAX, "@%" PRIu64, t / USEC_PER_SEC);
        return text;
    }
    if (t > TIMESTAMP_SHOWN_MAX) {
        static const char *const never[TIMESTAMP_STYLE_MAX] = {
            [TIMESTAMP_PRETTY] = "--- XXXX-XX-XX XX:XX:XX",
            [TIMESTAMP_US] = "--- XXXX-XX-XX XX:XX:XX.XXXXXX",
            [TIMESTAMP_UTC] = "--- XXXX-XX-XX XX:XX:XX UTC",
            [TIMESTAMP_US_UTC] = "--- XXXX-XX-XX XX:XX:XX.XXXXXX UTC",
            [TIMESTAMP_DATE] = "--- XXXX-XX-XX",
        };
        return strcpy(text, never[style]);
    }

    zone_fields((time_t) (t / USEC_PER_SEC), utc, &tm);
    size_t n = (size_t) snprintf(text, TIMESTAMP_TEXT_MAX, "%.3s %04d-%02d-%02d",
                                 weekday_names[tm.tm_wday], tm.tm_year + 1900, tm.tm_mon + 1,
                                 tm.tm_mday);
    if (style == TIMESTAMP_DATE)
        return text;
    n += (size_t) snprintf(text + n, TIMESTAMP_TEXT_MAX - n, " %02d:%02d:%02d", tm.tm_hour,
                           tm.tm_min, tm.tm_sec);
    if (fraction)
        n += (size_t) snprintf(text + n, TIMESTAMP_TEXT_MAX - n, ".%06" PRIu64, t % USEC_PER_SEC);
    const char *zone = utc ? "UTC" : tm.tm_zone;
    if (!isempty(zone))
        snprintf(text + n, TIMESTAMP_TEXT_MAX - n, " %s", zone);
    return text;
}

int timestamp_style_from_name(const char *name, enum timestamp_style *ret)
{
    static const struct {
        const char *name;
        enum timestamp_style style;
    } styles[] = {
        { "pretty", TIMESTAMP_PRETTY }, { "us", TIMESTAMP_US },
        { "µs", TIMESTAMP_US },         { "μs", TIMESTAMP_US },
        { "utc", TIMESTAMP_UTC },       { "us+utc", TIMESTAMP_US_UTC },
        { "µs+utc", TIMESTAMP_US_UTC }, { "μs+utc", TIMESTAMP_US_UTC },
        { "unix", TIMESTAMP_UNIX },
    };

    for (size_t i = 0; i < ELEMENTSOF(styles); i++)
        if (streq(name, styles[i].name)) {
            *ret = styles[i].style;
            return 0;
        }
    return -EINVAL;
}

static const char *plural(usec_t n)
{
    return n == 1 ? "" : "s";
}

char *timestamp_format_relative(char text[static TIMESTAMP_TEXT_MAX], usec_t t, usec_t now)
{
    static const struct {
        usec_t from;             /* the least distance shown so */
        const char *big, *small; /* words with a plural where they begin with a space, else units */
        usec_t big_usec, small_usec;
    } forms[] = {
        { USEC_PER_YEAR, " year", " month", USEC_PER_YEAR, USEC_PER_MONTH },
        { USEC_PER_MONTH, " month", " day", USEC_PER_MONTH, USEC_PER_DAY },
        { USEC_PER_WEEK, " week", " day", USEC_PER_WEEK, USEC_PER_DAY },
        { 2 * USEC_PER_DAY, " day", NULL, USEC_PER_DAY, 1 },
        { 25 * USEC_PER_HOUR, " day", "h", USEC_PER_DAY, USEC_PER_HOUR },
        { 6 * USEC_PER_HOUR, "h", NULL, USEC_PER_HOUR, 1 },
        { USEC_PER_HOUR, "h", "min", USEC_PER_HOUR, USEC_PER_MINUTE },
        { 5 * USEC_PER_MINUTE, "min", NULL, USEC_PER_MINUTE, 1 },
        { USEC_PER_MINUTE, "min", "s", USEC_PER_MINUTE, USEC_PER_SEC },
        { USEC_PER_SEC, "s", NULL, USEC_PER_SEC, 1 },
        { USEC_PER_MSEC, "ms", NULL, USEC_PER_MSEC, 1 },
        { 1, "us", NULL, 1, 1 },
    };
    usec_t distance = now > t ? now - t : t - now;
    size_t i = 0;

    if (t == 0 || t == USEC_INFINITY)
        return NULL;
    if (distance == 0)
        return strcpy(text, "now");
    while (distance < forms[i].from)
        i++;
    usec_t big = distance / forms[i].big_usec;
    usec_t small = distance % forms[i].big_usec / forms[i].small_usec;
    size_t n = (size_t) snprintf(text, TIMESTAMP_TEXT_MAX, "%" PRIu64 "%s%s", big, forms[i].big,
                                 *forms[i].big == ' ' ? plural(big) : "");
    if (forms[i].small)
        n += (size_t) snprintf(text + n, TIMESTAMP_TEXT_MAX - n, " %" PRIu64 "%s%s", small,
                               forms[i].small, *forms[i].small == ' ' ? plural(small) : "");
    snprintf(text + n, TIMESTAMP_TEXT_MAX - n, now > t ? " ago" : " left");
    return text;
}
