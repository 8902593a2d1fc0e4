#include "base/spoken.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/timespan.h"

const char weekday_names[7][10] = {
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
};

const char month_names[12][10] = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December",
};

/* Which of the names the word begins, by at least three letters; -1 if none. */
static int named(const char (*names)[10], int n_names, const char *word)
{
    size_t n = strlen(word);

    for (int i = 0; n >= 3 && i < n_names; i++)
        if (strncasecmp(names[i], word, n) == 0)
            return i;
    return -1;
}

/* Small letters in words; a letter that stands alone is a unit ("M" are months, "m" minutes). */
static void fold_words(char *s)
{
    for (char *p = s; *p; p++)
        if (isalpha((unsigned char) p[1]) || (p > s && isalpha((unsigned char) p[-1])))
            *p = (char) tolower((unsigned char) *p);
}

static bool skip_word(char **p, const char *word)
{
    const char *rest = startswith(*p, word);

    if (!rest || !*rest || !strchr(WHITESPACE, *rest))
        return false;
    *p += strlen(word) + strspn(rest, WHITESPACE);
    return true;
}

bool spoken_distance(const char *s, usec_t *ret)
{
    auto_free char *copy = memdup0(s, strlen(s));

    if (!copy)
        return false;
    fold_words(copy);
    char *p = strstrip(copy);
    const char *ago = endswith(p, " ago");
    if (ago)
        p[ago - p] = 0;
    (void) skip_word(&p, "the");
    bool past = skip_word(&p, "last") || skip_word(&p, "past") || ago;
    bool one = skip_word(&p, "a") || skip_word(&p, "an") || (past && isalpha((unsigned char) *p));

    /* "5" is no more a time than "hour". */
    if (strcspn(p, "abcdefghijklmnopqrstuvwxyzM") == strlen(p) ||
        (!one && !isdigit((unsigned char) *p)))
        return false;
    auto_free char *span = format("%s%s", one ? "1 " : "", p);
    return span && timespan_parse(span, ret) >= 0 && *ret != USEC_INFINITY;
}

/* What the words have said so far. */
struct spoken {
    const char *date;     /* as it was written */
    char time[24];        /* of the day; "" if none */
    int year, month, day; /* -1 if not said */
    int wday, back;       /* -1; days before today */
    bool is_relative, last, half;
};

/* "9am", "9:30pm", "21:30:15,5", or with `half` the "am" or "pm" behind a space. */
static bool take_time(struct spoken *t, char *word, const char *half)
{
    size_t n = strlen(word);

    if (*t->time || n >= sizeof t->time)
        return false;
    for (char *p = word; *p; p++)
        if (*p == ',')
            *p = '.';
    if (!half && n > 2 && (streq(word + n - 2, "am") || streq(word + n - 2, "pm"))) {
        half = word[n - 2] == 'a' ? "am" : "pm";
        word[n - 2] = 0;
    }
    if (!half)
        return strchr(word, ':') && strcpy(t->time, word);

    char *rest;
    long hour = strtol(word, &rest, 10);
    if (!isdigit((unsigned char) *word) || hour < 1 || hour > 12 || (*rest && *rest != ':'))
        return false;
    return snprintf(t->time, sizeof t->time, "%02ld%s", hour % 12 + (*half == 'p' ? 12 : 0),
                    *rest ? rest : ":00") < (int) sizeof t->time;
}

static bool is_half(const char *word)
{
    return word && (streq(word, "am") || streq(word, "pm"));
}

/* "22", "22nd", "2026". */
static bool take_number(struct spoken *t, const char *word)
{
    char *rest;
    long n = strtol(word, &rest, 10);
    size_t digits = (size_t) (rest - word);
    int *to = digits == 4 ? &t->year : &t->day;

    if (*to >= 0 || (digits != 4 && digits > 2))
        return false;
    if (*rest && (digits == 4 || (!streq(rest, "st") && !streq(rest, "nd") && !streq(rest, "rd") &&
                                  !streq(rest, "th"))))
        return false;
    *to = (int) n;
    return true;
}

static bool take_date(struct spoken *t, char *word)
{
    if (t->date)
        return false;
    for (char *p = word; *p; p++) {
        if (*p == '/')
            *p = '-';
        else if (*p == ',')
            *p = '.';
        else if (*p == 't')
            *p = 'T';
    }
    t->date = word;
    return true;
}

/* Takes the word, given the one behind it (NULL), which an hour may need. */
static bool take_word(struct spoken *t, char *word, const char *next)
{
    static const struct {
        const char *name, *time;
        int back;
    } names[] = {
        { "today", NULL, 0 },   { "yesterday", NULL, 1 },   { "tomorrow", NULL, -1 },
        { "noon", "12:00", 0 }, { "midnight", "00:00", 0 },
    };
    int found;

    if (streq(word, "at") || streq(word, "on"))
        return next != NULL;
    if (streq(word, "last"))
        return next && !t->last && (t->last = true);
    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        if (!streq(word, names[i].name))
            continue;
        if (names[i].time)
            return !*t->time && strcpy(t->time, names[i].time);
        t->back = names[i].back;
        return !t->is_relative && (t->is_relative = true);
    }
    if ((found = named(weekday_names, 7, word)) >= 0)
        return t->wday < 0 && (t->wday = found) >= 0;
    if ((found = named(month_names, 12, word)) >= 0)
        return t->month < 0 && (t->month = found) >= 0;
    if (is_half(word))
        return t->half && !(t->half = false); /* taken with the hour before it */
    if (!isdigit((unsigned char) *word))
        return false;
    if (strchr(word, '-') || strchr(word, '/'))
        return take_date(t, word);
    if (strchr(word, ':') || endswith(word, "am") || endswith(word, "pm") || is_half(next)) {
        t->half = is_half(next);
        return take_time(t, word, t->half ? next : NULL);
    }
    return take_number(t, word);
}

/* The day that was meant, as far as it is not today; false where that was not said in one way. */
static bool say_day(const struct spoken *t, const struct tm *now, char ret[static SPOKEN_TEXT_MAX])
{
    bool named = t->month >= 0 && t->day >= 0;
    int back = t->back;

    if (named != (t->month >= 0 || t->day >= 0 || t->year >= 0))
        return false;
    if (t->is_relative + named + (t->date != NULL) > 1)
        return false;
    bool by_wday = t->wday >= 0 && !t->is_relative && !named && !t->date;
    if (t->last && !by_wday)
        return false;
    if (by_wday)
        back = (now->tm_wday - t->wday + 7) % 7 ?: (t->last ? 7 : 0);
    if (t->wday >= 0)
        ret += snprintf(ret, SPOKEN_TEXT_MAX, "%.3s ", weekday_names[t->wday]);
    if (t->date) {
        if (strlen(t->date) >= 40)
            return false;
        strcpy(ret, t->date);
        return true;
    }
    struct tm day = { .tm_year = now->tm_year,
                      .tm_mon = now->tm_mon,
                      .tm_mday = now->tm_mday - back };
    if (named) {
        day.tm_year = t->year >= 0 ? t->year - 1900 : now->tm_year;
        day.tm_mon = t->month;
        day.tm_mday = t->day;
    } else
        (void) timegm(&day);
    snprintf(ret, 40, "%04d-%02d-%02d", day.tm_year + 1900, day.tm_mon + 1, day.tm_mday);
    return true;
}

int spoken_rewrite(const char *s, const struct tm *now, char ret[static SPOKEN_TEXT_MAX])
{
    auto_strv char **words = strv_split(s, WHITESPACE);
    struct spoken t = { .year = -1, .month = -1, .day = -1, .wday = -1 };

    if (!words)
        return -ENOMEM;
    if (!*words)
        return -EINVAL;
    STRV_FOREACH (word, words) {
        size_t n = strlen(*word);

        if (n > 1 && (*word)[n - 1] == ',')
            (*word)[n - 1] = 0;
        for (char *p = *word; *p; p++)
            *p = (char) tolower((unsigned char) *p);
    }
    STRV_FOREACH (word, words)
        if (!take_word(&t, *word, word[1]))
            return -EINVAL;
    if (!say_day(&t, now, ret))
        return -EINVAL;
    size_t n = strlen(ret);
    snprintf(ret + n, SPOKEN_TEXT_MAX - n, "%s%s", *t.time ? " " : "", t.time);
    return 0;
}
