/* Modes for people: the short ones, cat, verbose. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "base/utf8.h"
#include "journal/json.h"
#include "journal/output-entry.h"
#include "journal/query.h"

#define LINES_MAX 3 /* of a message that is cut */

/* ---- messages ---- */

static void add_bytes(struct output *o, size_t n)
{
    static const struct {
        uint64_t factor;
        char suffix;
    } units[] = {
        { UINT64_C(1) << 40, 'T' },
        { UINT64_C(1) << 30, 'G' },
        { UINT64_C(1) << 20, 'M' },
        { UINT64_C(1) << 10, 'K' },
    };

    for (size_t i = 0; i < ELEMENTSOF(units); i++) {
        if (n < units[i].factor)
            continue;
        uint64_t tenth = n * 10 / units[i].factor % 10;

        if (tenth > 0)
            strbuf_addf(o->out, "%" PRIu64 ".%" PRIu64 "%c", n / units[i].factor, tenth,
                        units[i].suffix);
        else
            strbuf_addf(o->out, "%" PRIu64 "%c", n / units[i].factor, units[i].suffix);
        return;
    }
    strbuf_addf(o->out, "%zuB", n);
}

static bool printable_ascii(const char *text, size_t n)
{
    uint64_t bad = 0;
    size_t i = 0;

    /* Eight at a time: any byte below 0x20, or from 0x7f on, sets its high bit. */
    for (; i + 8 <= n; i += 8) {
        uint64_t v;

        memcpy(&v, text + i, 8);
        bad |= (v | (v - 0x2020202020202020u) | (v + 0x0101010101010101u)) & 0x8080808080808080u;
    }
    for (; i < n; i++)
        bad |= (unsigned char) text[i] < 0x20 || (unsigned char) text[i] >= 0x7f;
    return bad == 0;
}

bool output_printable(const char *text, size_t n, bool newline)
{
    if (printable_ascii(text, n))
        return true;
    return json_is_text(text, n) && (newline || !memchr(text, '\n', n));
}

static bool shown(const struct output *o, const struct value *v)
{
    return v->text &&
           (o->options.all || (v->n < LONG_VALUE && output_printable(v->text, v->n, true)));
}

/* Tabs become eight spaces, sequences for colours and titles of terminals nothing. */
static void strip(struct output *o, struct value *message)
{
    const char *p = message->text, *end = p + message->n;

    if (!memchr(p, '\t', message->n) && !memchr(p, '\033', message->n))
        return;
    strbuf_clear(&o->stripped);
    while (p < end) {
        const char *q = p + 1;

        if (*p == '\t') {
            strbuf_add(&o->stripped, "        ");
            p = q;
            continue;
        }
        if (*p != '\033') {
            strbuf_add_char(&o->stripped, *p++);
            continue;
        }
        if (q < end && *q == '[') {
            for (q++; q < end && strchr("0123456789:;", *q) && *q; q++)
                ;
            if (q < end && ((*q >= 'a' && *q <= 'z') || (*q >= 'A' && *q <= 'Z'))) {
                p = q + 1;
                continue;
            }
        } else if (q < end && *q == ']') {
            while (q < end && *q != '\a' && !(*q == '\033' && q + 1 < end && q[1] == '\\'))
                q++;
            if (q < end) {
                p = *q == '\a' ? q + 1 : q + 2;
                continue;
            }
        }
        strbuf_add_char(&o->stripped, *p++);
    }
    message->text = strbuf_text(&o->stripped);
    message->n = o->stripped.length;
}

static const char *priority_color(const struct output *o, int priority)
{
    if (!o->options.color)
        return "";
    if (priority <= LOG_ERR)
        return "\033[0;1;31m";
    if (priority == LOG_WARNING)
        return "\033[0;1;38:5:185m";
    if (priority == LOG_NOTICE)
        return "\033[0;1;39m";
    return priority >= LOG_DEBUG ? "\033[0;38:5:245m" : "";
}

static void add_line(struct output *o, size_t indent, const char *color, const char *text, size_t n,
                     const size_t *highlight)
{
    const char *nul = memchr(text, 0, n);

    /* As journalctl, which ends there; export and json have the whole. */
    if (nul)
        n = (size_t) (nul - text);
    if (indent > 0)
        strbuf_addf(o->out, "%*s", (int) indent, "");
    strbuf_add(o->out, color);
    if (highlight && o->options.color && highlight[0] < highlight[1] && highlight[1] <= n) {
        strbuf_add_n(o->out, text, highlight[0]);
        strbuf_add(o->out, "\033[0m\033[0;1;31m");
        strbuf_add_n(o->out, text + highlight[0], highlight[1] - highlight[0]);
        strbuf_add(o->out, "\033[0m");
        strbuf_add(o->out, color);
        strbuf_add_n(o->out, text + highlight[1], n - highlight[1]);
    } else {
        strbuf_add_n(o->out, text, n);
    }
    if (*color)
        strbuf_add(o->out, "\033[0m");
    strbuf_add_char(o->out, '\n');
}

/* At most `width` cells, with an ellipsis at `percent` of them; rounded as systemd does. */
static char *cut_text(const char *text, size_t n, size_t width, size_t percent)
{
    auto_free char *whole = memdup0(text, n);

    if (!whole || n <= width || width == 0)
        return take_ptr(whole);
    if (!printable_ascii(text, n))
        return utf8_ellipsize(whole, width, (unsigned) percent);
    size_t head = ((width - 1) * percent + 50) / 100;
    return format("%.*s…%s", (int) head, whole, whole + n - (width - 1 - head));
}

/* A line that does not fit, or the last that is shown of too many. */
static void add_cut_line(struct output *o, size_t indent, size_t prefix, const char *color,
                         const char *text, size_t n, bool last)
{
    size_t columns = o->options.columns;

    if (prefix >= columns || columns - prefix < 3) {
        strbuf_add(o->out, "...\n");
        return;
    }
    auto_free char *cut = cut_text(text, n, columns - prefix, last ? 100 : 90);
    if (columns - prefix > n + 3) {
        strbuf_addf(o->out, "%*s%s%.*s...%s\n", (int) indent, "", color, (int) n, text,
                    *color ? "\033[0m" : "");
        return;
    }
    const char *shown_text = cut ? cut : "";
    add_line(o, indent, color, shown_text, strlen(shown_text), NULL);
}

/* The lines of a message; those after the first begin below the first. */
static void add_lines(struct output *o, size_t prefix, int priority, const char *text, size_t n,
                      const size_t *highlight)
{
    const char *color = priority_color(o, priority);
    const char *end = text + n;
    bool whole = o->options.full || o->options.all;
    size_t line = 0;

    if (n == 0) {
        strbuf_add_char(o->out, '\n');
        return;
    }
    for (const char *p = text; p < end; line++) {
        const char *newline = memchr(p, '\n', (size_t) (end - p));
        size_t length = newline ? (size_t) (newline - p) : (size_t) (end - p);
        bool last = line + 1 == LINES_MAX || p + length + 1 >= text + LONG_VALUE;
        size_t indent = line > 0 ? prefix : 0;

        if (whole || (prefix + length + 1 < o->options.columns && !last)) {
            add_line(o, indent, color, p, length, line == 0 ? highlight : NULL);
        } else {
            add_cut_line(o, indent, prefix, color, p, length, last);
            if (last)
                return;
        }
        p += length + 1;
    }
}

/* ---- short modes ---- */

static void add_value(struct output *o, const char *before, const struct value *v)
{
    strbuf_add(o->out, before);
    strbuf_add_n(o->out, v->text, v->n);
}

static void add_name(struct output *o, const struct value *values)
{
    const struct value *unit = &values[FIELD_UNIT], *user_unit = &values[FIELD_USER_UNIT];

    if (o->options.mode == ENTRY_WITH_UNIT && (shown(o, unit) || shown(o, user_unit))) {
        if (shown(o, unit))
            add_value(o, " ", unit);
        if (shown(o, user_unit))
            add_value(o, shown(o, unit) ? "/" : " ", user_unit);
        return;
    }
    if (shown(o, &values[FIELD_IDENTIFIER]))
        add_value(o, " ", &values[FIELD_IDENTIFIER]);
    else if (shown(o, &values[FIELD_COMM]))
        add_value(o, " ", &values[FIELD_COMM]);
    else
        strbuf_add(o->out, " unknown");
}

int output_short(struct output *o, struct journal_file *f, const struct entry_object *e,
                 const size_t *highlight)
{
    struct value values[FIELD_KIND_MAX];
    struct value *message = &values[FIELD_MESSAGE], *priority = &values[FIELD_PRIORITY];

    output_gather(o, f, e, values);
    if (!message->text)
        return 0;
    int level = priority->text && priority->n == 1 && *priority->text >= '0' &&
                        *priority->text <= '7'
                    ? *priority->text - '0'
                    : LOG_INFO;
    if (!o->options.all)
        strip(o, message);
    if (message->text == strbuf_text(&o->stripped))
        highlight = NULL;
    if (o->options.truncate_newline) {
        const char *newline = memchr(message->text, '\n', message->n);

        if (newline)
            message->n = (size_t) (newline - message->text);
    }

    size_t begin = o->out->length;
    output_time(o, e, values);
    if (!o->options.no_hostname && shown(o, &values[FIELD_HOSTNAME]))
        add_value(o, " ", &values[FIELD_HOSTNAME]);
    add_name(o, values);
    const struct value *pid = shown(o, &values[FIELD_PID]) ? &values[FIELD_PID]
                                                           : &values[FIELD_SYSLOG_PID];
    if (shown(o, pid)) {
        add_value(o, "[", pid);
        strbuf_add_char(o->out, ']');
    }
    strbuf_add_n(o->out, ": ", 2);
    size_t prefix = o->out->length - begin;
    if (!o->options.all && !output_printable(message->text, message->n, true)) {
        strbuf_add_char(o->out, '[');
        add_bytes(o, message->n);
        strbuf_add(o->out, " blob data]\n");
    } else {
        add_lines(o, prefix, level, message->text, message->n, highlight);
    }
    return 1;
}

/* ---- cat ---- */

static void cat_value(struct output *o, const struct value *v, int priority,
                      const size_t *highlight)
{
    if (o->options.color)
        add_line(o, 0, priority_color(o, priority), v->text, v->n, highlight);
    else {
        strbuf_add_n(o->out, v->text, v->n);
        strbuf_add_char(o->out, '\n');
    }
}

int output_cat(struct output *o, struct journal_file *f, const struct entry_object *e,
               const size_t *highlight)
{
    struct value v, p;
    int priority = LOG_INFO;

    if (o->options.color && entry_field(f, e, "PRIORITY", &p.text, &p.n) > 0 && p.n == 1)
        priority = *p.text - '0';
    if (o->options.fields) {
        /* In the order asked for (journalctl's is that of a hash table). */
        STRV_FOREACH (name, o->options.fields) {
            if (entry_field(f, e, *name, &v.text, &v.n) > 0)
                cat_value(o, &v, priority, NULL);
        }
        return 1;
    }
    /* The message is among the last items, written for this entry alone. */
    for (size_t i = journal_entry_n_items(f, e); i-- > 0;) {
        const char *payload;
        size_t n;

        if (journal_data(f, journal_entry_item(f, e, i), &payload, &n) < 0)
            continue;
        if (n < 8 || memcmp(payload, "MESSAGE=", 8) != 0)
            continue;
        v = (struct value){ payload + 8, n - 8 };
        if (o->options.truncate_newline) {
            const char *newline = memchr(v.text, '\n', v.n);

            v.n = newline ? (size_t) (newline - v.text) : v.n;
        }
        cat_value(o, &v, priority, highlight);
        return 1;
    }
    return 0;
}

/* ---- verbose ---- */

int output_verbose(struct output *o, struct journal_file *f, const struct entry_object *e)
{
    struct value values[FIELD_KIND_MAX];
    char cursor[JOURNAL_CURSOR_MAX];

    output_gather(o, f, e, values);
    usec_t t = output_display_time(e, values).realtime;
    if (!values[FIELD_SOURCE_REALTIME].text)
        t = e->realtime;
    output_second(o, t, ENTRY_VERBOSE);
    output_micro(o, t);
    strbuf_add_char(o->out, ' ');
    output_zone(o, t, "%Z");
    journal_cursor_format(f, e, cursor);
    strbuf_addf(o->out, " [%s]\n", cursor);

    for (size_t i = 0, n = journal_entry_n_items(f, e); i < n; i++) {
        struct slot scratch;
        const char *payload;
        size_t size;
        struct slot *s = output_slot(o, f, journal_entry_item(f, e, i), &scratch, &payload, &size);

        if (!s || !s->wanted)
            continue;
        size_t value_length = size - s->name_length - 1;
        strbuf_add(o->out, "    ");
        if (o->options.color && s->kind == FIELD_MESSAGE)
            strbuf_add(o->out, "\033[0;1;39m");
        strbuf_add_n(o->out, payload, (size_t) s->name_length + 1);
        if (o->options.all ||
            ((o->options.full || size < LONG_VALUE) && output_printable(payload, size, true))) {
            bool full = o->options.full;

            o->options.full = true;
            add_lines(o, 4u + s->name_length + 1, LOG_INFO, payload + s->name_length + 1,
                      value_length, NULL);
            o->options.full = full;
        } else {
            strbuf_add_char(o->out, '[');
            add_bytes(o, value_length);
            strbuf_add(o->out, " blob data]\n");
        }
        if (o->options.color && s->kind == FIELD_MESSAGE)
            strbuf_add(o->out, "\033[0m");
    }
    return 1;
}
