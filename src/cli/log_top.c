/* reeve log --top: which messages there are most of, by unit, level and pattern. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "cli/log.h"
#include "cli/term.h"
#include "journal/json.h"

#define PATTERN_MAX 120
#define KEY_MAX 320
#define PATTERNS_MAX 100000 /* what comes after so many different ones is counted together */
#define ROWS 20

struct row {
    char *key; /* unit, NUL, level digit, pattern */
    size_t n;
    usec_t first, last;
};

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool has_digit(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] >= '0' && p[i] <= '9')
            return true;
    }
    return false;
}

/* The first line, each word that has a digit replaced by "#": numbers, addresses, ids. */
static void make_pattern(const char *message, size_t n, char text[static PATTERN_MAX])
{
    size_t at = 0;

    for (size_t i = 0; i < n && message[i] != '\n' && at < PATTERN_MAX - 1;) {
        size_t length = 0;

        while (i + length < n && is_word(message[i + length]))
            length++;
        if (length == 0) {
            text[at++] = message[i] == 0 ? ' ' : message[i];
            i++;
        } else if (has_digit(message + i, length)) {
            if (at == 0 || text[at - 1] != '#')
                text[at++] = '#';
            i += length;
        } else {
            size_t fits = MIN(length, PATTERN_MAX - 1 - at);

            memcpy(text + at, message + i, fits);
            at += fits;
            i += length;
        }
    }
    text[at] = 0;
}

static void field_text(struct journal_file *f, const struct entry_object *e, const char *name,
                       char *text, size_t size)
{
    const char *value;
    size_t n;

    text[0] = 0;
    if (entry_field(f, e, name, &value, &n) <= 0)
        return;
    n = MIN(n, size - 1);
    memcpy(text, value, n);
    text[n] = 0;
}

static int count(struct map *rows, struct journal_file *f, const struct entry_object *e)
{
    char unit[128], level[4], pattern[PATTERN_MAX], key[KEY_MAX];
    const char *message;
    size_t n;

    if (entry_field(f, e, "MESSAGE", &message, &n) <= 0)
        return 0;
    make_pattern(message, n, pattern);
    field_text(f, e, "UNIT", unit, sizeof unit);
    if (!*unit)
        field_text(f, e, "_SYSTEMD_UNIT", unit, sizeof unit);
    if (!*unit)
        field_text(f, e, "SYSLOG_IDENTIFIER", unit, sizeof unit);
    field_text(f, e, "PRIORITY", level, sizeof level);
    snprintf(key, sizeof key, "%s\t%c\t%s", *unit ? unit : "-", *level ? *level : '6', pattern);
    struct row *r = map_get(rows, key);
    if (!r && rows->n >= PATTERNS_MAX) {
        snprintf(key, sizeof key, "-\t6\t(all others)");
        r = map_get(rows, key);
    }
    if (!r) {
        r = new0(struct row, 1);
        if (!r || !(r->key = strdup(key)) || map_put(rows, r->key, r) < 0) {
            if (r)
                free(r->key);
            free(r);
            return -ENOMEM;
        }
        r->first = e->realtime;
    }
    r->n++;
    r->last = e->realtime;
    return 0;
}

static int compare_rows(const void *a, const void *b)
{
    const struct row *x = *(struct row *const *) a, *y = *(struct row *const *) b;

    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return strcmp(x->key, y->key);
}

static void print_row(const struct log_options *o, const struct row *r, size_t all)
{
    static const char *const levels[] = { "emerg",   "alert",  "crit", "err",
                                          "warning", "notice", "info", "debug" };
    const char *level = strchr(r->key, '\t') + 1;
    const char *name = *level >= '0' && *level <= '7' ? levels[*level - '0'] : "info";
    int unit = (int) (level - 1 - r->key);

    if (o->output.mode >= ENTRY_JSON && o->output.mode <= ENTRY_JSON_SEQ) {
        auto_strbuf struct strbuf b = { 0 };

        strbuf_addf(&b, "{\"count\":%zu,\"priority\":\"%s\",\"unit\":", r->n, name);
        json_add_value(&b, r->key, (size_t) unit);
        strbuf_add(&b, ",\"pattern\":");
        json_add_value(&b, level + 2, strlen(level + 2));
        strbuf_addf(&b, ",\"first\":%ju,\"last\":%ju}", (uintmax_t) r->first, (uintmax_t) r->last);
        puts(strbuf_text(&b));
        return;
    }
    const char *color = *level <= '3'   ? term_color(COLOR_RED)
                        : *level == '4' ? term_color(COLOR_YELLOW)
                                        : "";
    printf("%8zu %5.1f%% %-7s %-28.*s %s%s%s\n", r->n, 100.0 * (double) r->n / (double) all, name,
           unit, r->key, color, level + 2, *color ? term_reset() : "");
}

int log_top(const struct log_options *o, struct journal *j)
{
    struct map rows = { 0 };
    struct row *r, **sorted;
    size_t all = 0, n = 0, max = o->lines >= 0 ? (size_t) o->lines : ROWS;
    int result = 0;
    bool late = false; /* the entry before was; one alone may have a damaged time */

    if (o->since != USEC_INFINITY)
        journal_seek_realtime(j, o->since);
    else
        journal_seek_head(j);
    while (result >= 0 && journal_step(j, true) > 0) {
        const struct entry_object *e = journal_current(j);

        if (!e)
            continue;
        bool before = late;
        late = o->until != USEC_INFINITY && e->realtime > o->until;
        if (late && before)
            break;
        if (late)
            continue;
        result = count(&rows, journal_current_file(j), e);
        all++;
    }
    sorted = new0(struct row *, rows.n + 1);
    MAP_FOREACH (r, &rows) {
        if (sorted)
            sorted[n++] = r;
    }
    if (n > 0)
        qsort(sorted, n, sizeof *sorted, compare_rows);
    bool text = o->output.mode < ENTRY_JSON || o->output.mode > ENTRY_JSON_SEQ;
    if (text && !o->quiet && n > 0)
        printf("%8s %6s %-7s %-28s %s\n", "COUNT", "SHARE", "LEVEL", "UNIT", "MESSAGE");
    for (size_t i = 0; i < n && i < max; i++)
        print_row(o, sorted[i], all);
    if (text && n == 0 && !o->quiet)
        puts("-- No entries --");
    free(sorted);
    MAP_FOREACH (r, &rows) {
        free(r->key);
        free(r);
    }
    map_done(&rows);
    return result < 0 ? 1 : 0;
}
