#include "base/calendar.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/zone.h"

/* The components of a point in time, from large to small; the last is in microseconds. */
enum { YEAR, MONTH, DAY, HOUR, MINUTE, SECOND, N_COMPONENTS };

/* "start", "start/repeat", "start..stop", "start..stop/repeat". */
struct item {
    int64_t start, stop, repeat; /* stop -1: none; repeat 0: none */
};

/* The items of a component, sorted; none: every value matches. */
struct chain {
    struct item *items;
    size_t n, allocated;
};

struct calendar {
    unsigned weekdays; /* bit 0 is Monday; none: any day */
    struct chain chains[N_COMPONENTS];
    bool from_end; /* days are counted from the end of the month */
    bool utc;
    int dst;    /* 0 or 1 where the name of the local zone says so, else -1 */
    char *zone; /* of the database */
};

#define ALL_WEEKDAYS 0x7fu
#define ITEMS_MAX 240
#define YEAR_MAX 2199

static const struct {
    int64_t low, high;
} limits[N_COMPONENTS] = {
    [YEAR] = { 1970, YEAR_MAX }, [MONTH] = { 1, 12 },  [DAY] = { 1, 31 },
    [HOUR] = { 0, 23 },          [MINUTE] = { 0, 59 }, [SECOND] = { 0, 60 * USEC_PER_SEC - 1 },
};

static const char weekdays[][10] = {
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
};

void calendar_free(struct calendar *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < N_COMPONENTS; i++)
        free(c->chains[i].items);
    free(c->zone);
    free(c);
}
DEFINE_AUTO(struct calendar, calendar_free, calendar_free)

const char *calendar_zone(const struct calendar *c)
{
    return c->utc ? "UTC" : c->zone;
}

/* ---- parsing ---- */

static int chain_add(struct chain *chain, struct item item)
{
    if (chain->n >= ITEMS_MAX)
        return -ENOBUFS;
    if (!grow(&chain->items, &chain->allocated, chain->n + 1))
        return -ENOMEM;
    chain->items[chain->n++] = item;
    return 0;
}

static int chain_set(struct chain *chain, int64_t value)
{
    chain->n = 0;
    return chain_add(chain, (struct item){ .start = value, .stop = -1 });
}

/* Digits behind the point: six count, the seventh rounds. */
static int parse_fraction(const char **p, int64_t *value)
{
    int64_t scale = USEC_PER_SEC;

    if (!isdigit((unsigned char) **p))
        return -EINVAL;
    for (; isdigit((unsigned char) **p) && scale > 1; (*p)++)
        *value += (**p - '0') * (scale /= 10);
    if (isdigit((unsigned char) **p) && **p >= '5')
        *value += 1;
    *p += strspn(*p, "0123456789");
    return 0;
}

static int parse_number(const char **p, bool seconds, int64_t *ret)
{
    int64_t value = 0;

    if (!isdigit((unsigned char) **p))
        return -EINVAL;
    for (; isdigit((unsigned char) **p); (*p)++) {
        value = value * 10 + (**p - '0');
        if (value > INT_MAX)
            return -ERANGE;
    }
    if (seconds) {
        value *= (int64_t) USEC_PER_SEC;
        if ((*p)[0] == '.' && (*p)[1] != '.') {
            (*p)++;
            int r = parse_fraction(p, &value);
            if (r < 0)
                return r;
        }
        if (value > INT_MAX)
            return -ERANGE;
    }
    *ret = value;
    return 0;
}

static int parse_item(const char **p, bool seconds, struct item *ret)
{
    struct item item = { .stop = -1 };
    int64_t unit = seconds ? (int64_t) USEC_PER_SEC : 1;
    int r = parse_number(p, seconds, &item.start);

    if (r < 0)
        return r;
    if (startswith(*p, "..")) {
        *p += 2;
        r = parse_number(p, seconds, &item.stop);
        if (r < 0)
            return r;
        item.repeat = unit;
        /* Below a second a range needs a repetition of its own. */
        if (seconds && **p != '/' && item.stop < item.start + unit)
            return -EINVAL;
    }
    if (**p == '/') {
        (*p)++;
        r = parse_number(p, seconds, &item.repeat);
        if (r < 0)
            return r;
        if (item.repeat == 0)
            return -ERANGE;
    }
    *ret = item;
    return 0;
}

/* A list of items, or "*". For seconds "*" means every whole one. */
static int parse_chain(const char **p, bool seconds, struct chain *chain)
{
    if (**p == '*') {
        (*p)++;
        if (!seconds)
            return 0;
        return chain_add(chain, (struct item){ .stop = -1, .repeat = USEC_PER_SEC });
    }
    for (;; (*p)++) {
        struct item item;
        int r = parse_item(p, seconds, &item);

        if (r >= 0)
            r = chain_add(chain, item);
        if (r < 0)
            return r;
        if (**p != ',')
            return 0;
    }
}

/* The weekday whose name, long or short, begins the text: its number and the length, or -1. */
static int find_weekday(const char *s, size_t *ret_length)
{
    for (int i = 0; i < 7; i++) {
        size_t n = strlen(weekdays[i]);

        if (strncasecmp(s, weekdays[i], 3) != 0)
            continue;
        *ret_length = strncasecmp(s, weekdays[i], n) == 0 ? n : 3;
        return i;
    }
    return -1;
}

/* "Mon", "Mon..Fri,Sun", "Mon-Wed" (an old form), with the spaces behind them. A comma may end the
 * list. */
static int parse_weekdays(const char **p, struct calendar *c)
{
    int from = -1; /* the first day of the range that is open */

    for (bool first = true;; first = false) {
        size_t length;
        int day = find_weekday(*p, &length);

        if (day < 0)
            return first ? 0 : -EINVAL;
        *p += length;
        if (!strchr("-., ", **p)) /* finds NUL, too */
            return -EINVAL;
        if (from > day)
            return -EINVAL;
        for (int i = from >= 0 ? from : day; i <= day; i++)
            c->weekdays |= 1u << i;

        bool range = startswith(*p, "..") || **p == '-';
        if (**p == '.' && !range)
            return -EINVAL;
        if (range) {
            if (from >= 0)
                return -EINVAL;
            from = day;
            *p += **p == '.' ? 2 : 1;
        } else {
            from = -1;
            if (**p == ',')
                (*p)++;
        }
        if (!**p || **p == ' ') {
            *p += strspn(*p, " ");
            return range ? -EINVAL : 0;
        }
    }
}

/* "@seconds": a point in time as a calendar event of its own. */
static int parse_epoch(const char **p, struct calendar *c)
{
    char *end;
    struct tm tm;

    if (!isdigit((unsigned char) (*p)[1]))
        return -EINVAL;
    errno = 0;
    unsigned long long value = strtoull(*p + 1, &end, 10);
    if (errno != 0)
        return -errno;
    if (value > UINT32_MAX * UINT64_C(1000))
        return -ERANGE;
    *p = end;
    zone_fields((time_t) value, true, &tm);
    const int fields[N_COMPONENTS] = { tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                                       tm.tm_hour,        tm.tm_min,     tm.tm_sec };
    for (size_t i = 0; i < N_COMPONENTS; i++) {
        int r = chain_set(&c->chains[i],
                          i == SECOND ? fields[i] * (int64_t) USEC_PER_SEC : (int64_t) fields[i]);
        if (r < 0)
            return r;
    }
    c->utc = true;
    return 1;
}

static struct chain chain_take(struct chain *chain)
{
    struct chain taken = *chain;

    *chain = (struct chain){};
    return taken;
}

/* "year-month-day" or "month-day", "~" for the last "-". Leaves *p where it is if this is a time of
 * day. Returns 1 if nothing may follow. */
static int parse_date(const char **p, struct calendar *c)
{
    struct chain *parts = c->chains;
    const char *s = *p;
    int n = 0;

    if (*s == '@')
        return parse_epoch(p, c);
    while (*s) {
        int r = parse_chain(&s, false, &parts[n++]);
        if (r < 0)
            return r;
        if (n == 1 && (!*s || *s == ':')) { /* hours */
            free(chain_take(&parts[YEAR]).items);
            return 0;
        }
        if (!*s || *s == ' ')
            break;
        if (n == 3 || c->from_end || (*s != '-' && *s != '~'))
            return -EINVAL;
        c->from_end = *s++ == '~';
    }
    if (n == 0)
        return 0;
    if (n == 1 || (*s && *s != ' ') || s[-1] == '-' || s[-1] == '~')
        return -EINVAL;
    if (n == 2) {
        parts[DAY] = chain_take(&parts[MONTH]);
        parts[MONTH] = chain_take(&parts[YEAR]);
    }
    *p = s + strspn(s, " ");
    return 0;
}

/* "hour:minute", "hour:minute:second"; nothing is midnight. */
static int parse_time(const char **p, struct calendar *c)
{
    int r = 0;
    size_t i = HOUR;

    if (**p)
        for (;; (*p)++) {
            r = parse_chain(p, i == SECOND, &c->chains[i]);
            if (r < 0)
                return r;
            if (i++ == SECOND || (!**p && i > MINUTE))
                break;
            if (**p != ':')
                return -EINVAL;
        }
    for (; i <= SECOND && r >= 0; i++)
        r = chain_set(&c->chains[i], 0);
    return r;
}

static int parse_shorthand(const char *s, struct calendar *c)
{
    /* What is fixed; the rest matches anything but for the seconds, which are 0. */
    static const struct {
        const char *name;
        unsigned weekdays;
        signed char month, day, hour, minute; /* -1: any */
    } shorthands[] = {
        { "minutely", 0, -1, -1, -1, -1 },  { "hourly", 0, -1, -1, -1, 0 },
        { "daily", 0, -1, -1, 0, 0 },       { "monthly", 0, -1, 1, 0, 0 },
        { "weekly", 1, -1, -1, 0, 0 },      { "annually", 0, 1, 1, 0, 0 },
        { "yearly", 0, 1, 1, 0, 0 },        { "anually", 0, 1, 1, 0, 0 },
        { "quarterly", 0, 3, 1, 0, 0 },     { "biannually", 0, 6, 1, 0, 0 },
        { "bi-annually", 0, 6, 1, 0, 0 },   { "semiannually", 0, 6, 1, 0, 0 },
        { "semi-annually", 0, 6, 1, 0, 0 },
    };

    for (size_t i = 0; i < ELEMENTSOF(shorthands); i++) {
        if (strcasecmp(s, shorthands[i].name) != 0)
            continue;
        const signed char fixed[] = {
            -1, -1, shorthands[i].day, shorthands[i].hour, shorthands[i].minute, 0
        };
        int r = 0, every = shorthands[i].month;
        /* 1: January; 3, 6: every third, every sixth month from January on */
        for (int month = 1; every > 0 && month <= (every == 1 ? 1 : 12) && r >= 0; month += every)
            r = chain_add(&c->chains[MONTH], (struct item){ .start = month, .stop = -1 });
        for (size_t k = DAY; k < N_COMPONENTS && r >= 0; k++)
            if (fixed[k] >= 0)
                r = chain_set(&c->chains[k], fixed[k]);
        c->weekdays = shorthands[i].weekdays;
        return r < 0 ? r : 1;
    }
    return 0;
}

/* Cuts " UTC", the name of the local zone, or one of the database off the end of *s. */
static int parse_zone(char *s, struct calendar *c)
{
    const char *word = strrchr(s, ' ');
    size_t n = word ? (size_t) (word - s) : 0;

    if (!word)
        return 0;
    word++;
    if (strcasecmp(word, "UTC") == 0) {
        c->utc = true;
        s[n] = 0;
        return 0;
    }
    tzset();
    for (int i = 0; i < 2; i++)
        if (!isempty(tzname[i]) && strcasecmp(word, tzname[i]) == 0) {
            c->dst = i;
            s[n] = 0;
            return 0;
        }
    if (zone_is_valid(word)) {
        c->zone = strdup(word);
        if (!c->zone)
            return -ENOMEM;
        s[n] = 0;
    }
    return 0;
}

/* ---- normal form ---- */

/* Two digits of a year: 1970 to 2069. */
static int64_t full_year(int64_t year)
{
    return year < 0 || year > 99 ? year : year < 70 ? year + 2000 : year + 1900;
}

static int compare_items(const void *a, const void *b)
{
    const struct item *x = a, *y = b;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->stop != y->stop)
        return x->stop < y->stop ? -1 : 1;
    return x->repeat < y->repeat ? -1 : x->repeat > y->repeat;
}

static void chain_normalize(struct chain *chain)
{
    size_t n = 0;

    for (size_t i = 0; i < chain->n; i++) {
        struct item *item = &chain->items[i];

        /* The last value that is met; a range of one is that one. */
        if (item->stop > item->start && item->repeat > 0)
            item->stop -= (item->stop - item->start) % item->repeat;
        if (item->stop == item->start)
            *item = (struct item){ .start = item->start, .stop = -1 };
    }
    if (chain->n > 1)
        qsort(chain->items, chain->n, sizeof *chain->items, compare_items);
    for (size_t i = 0; i < chain->n; i++)
        if (n == 0 || compare_items(&chain->items[n - 1], &chain->items[i]) != 0)
            chain->items[n++] = chain->items[i];
    chain->n = n;
}

static bool chain_is_valid(const struct chain *chain, int64_t low, int64_t high, bool from_end)
{
    for (size_t i = 0; i < chain->n; i++) {
        const struct item *item = &chain->items[i];

        if (item->start < low || item->start > high || item->repeat > high - low)
            return false;
        /* One repetition has to fit. */
        if (item->stop >= 0) {
            if (item->stop < low || item->stop > high || item->start + item->repeat > item->stop)
                return false;
        } else if (from_end ? item->start - item->repeat < low : item->start + item->repeat > high)
            return false;
    }
    return true;
}

static int calendar_normalize(struct calendar *c)
{
    struct chain *years = &c->chains[YEAR];

    if (c->weekdays == ALL_WEEKDAYS)
        c->weekdays = 0;
    /* Counted from the end, a day that every month has. */
    if (c->from_end && c->chains[DAY].n == 0)
        c->from_end = false;
    for (size_t i = 0; i < years->n; i++) {
        years->items[i].start = full_year(years->items[i].start);
        years->items[i].stop = full_year(years->items[i].stop);
    }
    for (size_t i = 0; i < N_COMPONENTS; i++) {
        bool from_end = i == DAY && c->from_end;

        chain_normalize(&c->chains[i]);
        if (!chain_is_valid(&c->chains[i], limits[i].low, from_end ? 28 : limits[i].high, from_end))
            return -EINVAL;
    }
    return 0;
}

int calendar_parse(const char *s, struct calendar **ret)
{
    _cleanup_(auto_calendar_free_p) struct calendar *c = new0(struct calendar, 1);
    auto_free char *copy = strdup(s);

    if (!c || !copy)
        return -ENOMEM;
    c->dst = -1;
    int r = parse_zone(copy, c);
    if (r < 0)
        return r;
    if (!*copy)
        return -EINVAL;
    const char *p = copy;
    r = parse_shorthand(p, c);
    if (r == 0) {
        r = parse_weekdays(&p, c);
        if (r >= 0)
            r = parse_date(&p, c);
        if (r == 0)
            r = parse_time(&p, c);
        if (r >= 0 && *p)
            r = -EINVAL;
    }
    if (r >= 0)
        r = calendar_normalize(c);
    if (r < 0)
        return r;
    *ret = take_ptr(c);
    return 0;
}

/* ---- formatting ---- */

static void format_weekdays(struct strbuf *b, unsigned days)
{
    bool any = false;

    for (int i = 0; i < 7; i++) {
        int last = i;

        if (!(days & 1u << i))
            continue;
        while (last < 6 && days & 1u << (last + 1))
            last++;
        strbuf_addf(b, "%s%.3s", any ? "," : "", weekdays[i]);
        if (last > i)
            strbuf_addf(b, "%s%.3s", last > i + 1 ? ".." : ",", weekdays[last]);
        any = true;
        i = last;
    }
    strbuf_add_char(b, ' ');
}

static void format_value(struct strbuf *b, int64_t value, int width, bool seconds)
{
    int64_t unit = seconds ? (int64_t) USEC_PER_SEC : 1;

    strbuf_addf(b, "%0*" PRId64, width, value / unit);
    if (value % unit > 0)
        strbuf_addf(b, ".%06" PRId64, value % unit);
}

static void format_chain(struct strbuf *b, const struct chain *chain, size_t component)
{
    bool seconds = component == SECOND;
    int64_t unit = seconds ? (int64_t) USEC_PER_SEC : 1;
    int width = component == YEAR ? 4 : 2;

    const struct item *only = chain->n == 1 ? chain->items : NULL;
    if (chain->n == 0 || (seconds && only && only->start == 0 && only->stop < 0 &&
                          only->repeat == (int64_t) USEC_PER_SEC)) {
        strbuf_add_char(b, '*');
        return;
    }
    for (size_t i = 0; i < chain->n; i++) {
        const struct item *item = &chain->items[i];

        if (i > 0)
            strbuf_add_char(b, ',');
        format_value(b, item->start, width, seconds);
        if (item->stop > 0) {
            strbuf_add(b, "..");
            format_value(b, item->stop, width, seconds);
        }
        if (item->repeat > 0 && !(item->stop > 0 && item->repeat == unit)) {
            strbuf_add_char(b, '/');
            format_value(b, item->repeat, 1, seconds);
        }
    }
}

char *calendar_format(const struct calendar *c)
{
    static const char before[N_COMPONENTS] = { 0, '-', '-', ' ', ':', ':' };
    auto_strbuf struct strbuf b = {};

    if (c->weekdays)
        format_weekdays(&b, c->weekdays);
    for (size_t i = 0; i < N_COMPONENTS; i++) {
        if (before[i])
            strbuf_add_char(&b, i == DAY && c->from_end ? '~' : before[i]);
        format_chain(&b, &c->chains[i], i);
    }
    if (c->dst >= 0)
        tzset();
    const char *zone = c->dst >= 0 ? tzname[c->dst] : calendar_zone(c);
    if (!isempty(zone))
        strbuf_addf(&b, " %s", zone);
    return strbuf_take(&b);
}

/* ---- the next match ---- */

/* A search in progress: broken-down time in the zone of the expression. */
struct search {
    const struct calendar *c;
    struct tm tm;
    int64_t usec; /* within the second */
};

static int64_t component_get(const struct search *s, size_t i)
{
    const struct tm *tm = &s->tm;
    const int fields[] = { tm->tm_year + 1900, tm->tm_mon + 1, tm->tm_mday, tm->tm_hour,
                           tm->tm_min };

    return i == SECOND ? tm->tm_sec * (int64_t) USEC_PER_SEC + s->usec : fields[i];
}

static void component_set(struct search *s, size_t i, int64_t value)
{
    int *const fields[] = { &s->tm.tm_year, &s->tm.tm_mon, &s->tm.tm_mday,
                            &s->tm.tm_hour, &s->tm.tm_min, &s->tm.tm_sec };
    static const int base[] = { 1900, 1, 0, 0, 0, 0 };

    if (i == SECOND) {
        s->usec = value % (int64_t) USEC_PER_SEC;
        value /= (int64_t) USEC_PER_SEC;
    }
    *fields[i] = (int) value - base[i];
}

/* All components below i at their least. */
static void components_reset_below(struct search *s, size_t i)
{
    for (size_t k = i + 1; k < N_COMPONENTS; k++)
        component_set(s, k, limits[k].low);
}

/* Goes to the next value of a component, those below at their least. */
static void component_advance(struct search *s, size_t i)
{
    component_set(s, i, component_get(s, i) + 1);
    components_reset_below(s, i);
}

/* The day of the month that is the nth from its end, or -1. */
static int64_t day_from_end(const struct search *s, int64_t n)
{
    struct tm t = s->tm;

    t.tm_mon++;
    t.tm_mday = (int) (1 - n);
    if (zone_time(&t, s->c->utc) < 0 || t.tm_mon != s->tm.tm_mon)
        return -1;
    return t.tm_mday;
}

/* The least value of the chain that is not below *value. Returns 1 if it is above, 0 if equal, -1
 * without one. */
static int chain_match(const struct search *s, size_t component, int64_t *value)
{
    const struct chain *chain = &s->c->chains[component];
    int64_t best = -1;
    bool found = false;

    if (chain->n == 0)
        return 0;
    for (size_t i = 0; i < chain->n; i++) {
        struct item item = chain->items[i];
        int64_t match;

        if (component == DAY && s->c->from_end) {
            int64_t first = day_from_end(s, item.start), last = day_from_end(s, item.stop);
            item.start = last > 0 ? last : first;
            item.stop = last > 0 ? first : last;
        }
        if (item.start >= *value)
            match = item.start;
        else if (item.repeat > 0) {
            int64_t steps = (*value - item.start + item.repeat - 1) / item.repeat;
            match = item.start + steps * item.repeat;
            if (item.stop >= 0 && match > item.stop)
                continue;
        } else
            continue;
        if (!found || match < best)
            best = match;
        found = true;
    }
    if (!found)
        return -1;
    int r = best != *value;
    *value = best;
    return r;
}

/* Whether the broken-down time, in which component i was the last to be set, exists: 1; 0 if clocks
 * skip it and it is a later one of the same parent (02:30 when summer time begins); -1 if there is
 * nothing up to the end of the parent (the 31st of a short month, a repetition past the hour). */
static int search_in_bounds(const struct search *s, size_t i)
{
    struct tm t = s->tm;

    if (s->tm.tm_year + 1900 > YEAR_MAX || zone_time(&t, s->c->utc) < 0)
        return -1;
    const int real[] = { t.tm_year, t.tm_mon, t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec };
    const int asked[] = { s->tm.tm_year, s->tm.tm_mon, s->tm.tm_mday,
                          s->tm.tm_hour, s->tm.tm_min, s->tm.tm_sec };
    for (size_t k = 0; k < ELEMENTSOF(real); k++)
        if (real[k] != asked[k])
            return real[k] < asked[k] || k < i ? -1 : 0;
    return 1;
}

static bool weekday_matches(const struct search *s)
{
    struct tm t = s->tm;

    if (s->c->weekdays == 0)
        return true;
    return zone_time(&t, s->c->utc) >= 0 && s->c->weekdays & 1u << ((t.tm_wday + 6) % 7);
}

/* One pass from the year down. Returns 1 if everything matches, 0 if the search moved on and has to
 * begin again at the top, -ENOENT at the end of time. */
static int search_step(struct search *s)
{
    for (size_t i = 0; i < N_COMPONENTS; i++) {
        int64_t value = component_get(s, i);
        int matched = chain_match(s, i, &value);

        if (matched > 0) {
            component_set(s, i, value);
            components_reset_below(s, i);
        }
        int bounds = matched < 0 ? -1 : search_in_bounds(s, i);
        if (bounds < 0) {
            if (i == YEAR)
                return -ENOENT;
            component_advance(s, i - 1);
            return 0;
        }
        if (bounds == 0)
            return i == YEAR ? -ENOENT : 0;
        if (i == DAY && !weekday_matches(s)) {
            component_advance(s, DAY);
            return 0;
        }
    }
    return 1;
}

int calendar_next(const struct calendar *c, usec_t after, usec_t *ret)
{
    auto_zone_switch struct zone_switch zone = {};
    struct search s = { .c = c };
    int r = zone_enter(&zone, c->zone);

    if (r < 0)
        return r;
    if (after >= (usec_t) INT64_MAX)
        return -ENOENT;
    after++;
    zone_fields((time_t) (after / USEC_PER_SEC), c->utc, &s.tm);
    s.usec = (int64_t) (after % USEC_PER_SEC);
    /* A match is at most some 40 years away, a few steps each; a zone whose summer time never comes
     * could turn for ever. */
    for (int step = 0; step < 1000; step++) {
        (void) zone_time(&s.tm, c->utc);
        s.tm.tm_isdst = c->dst;
        r = search_step(&s);
        if (r < 0)
            return r;
        if (r > 0) {
            time_t t = zone_time(&s.tm, c->utc);
            if (t < 0)
                return -ENOENT;
            *ret = (usec_t) t * USEC_PER_SEC + (usec_t) s.usec;
            return 0;
        }
    }
    return -ENOENT;
}
