#include "journal/output.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/strv.h"
#include "base/utf8.h"
#include "journal/json.h"
#include "journal/query.h"

#define SLOTS 8192
#define LONG_VALUE 300 /* longer ones are not shown by short and verbose without --all */
#define JSON_LONG 4096 /* nor by json */
#define LINES_MAX 3    /* of a message that is cut */
#define NAMES_MAX 1024

enum field_kind {
    FIELD_OTHER,
    FIELD_MESSAGE,
    FIELD_PRIORITY,
    FIELD_HOSTNAME,
    FIELD_IDENTIFIER,
    FIELD_COMM,
    FIELD_PID,
    FIELD_SYSLOG_PID,
    FIELD_UNIT,
    FIELD_USER_UNIT,
    FIELD_SOURCE_REALTIME,
    FIELD_SOURCE_MONOTONIC,
    FIELD_BOOT_ID,
    FIELD_KIND_MAX,
};

static const char *const kind_names[FIELD_KIND_MAX] = {
    [FIELD_MESSAGE] = "MESSAGE",
    [FIELD_PRIORITY] = "PRIORITY",
    [FIELD_HOSTNAME] = "_HOSTNAME",
    [FIELD_IDENTIFIER] = "SYSLOG_IDENTIFIER",
    [FIELD_COMM] = "_COMM",
    [FIELD_PID] = "_PID",
    [FIELD_SYSLOG_PID] = "SYSLOG_PID",
    [FIELD_UNIT] = "_SYSTEMD_UNIT",
    [FIELD_USER_UNIT] = "_SYSTEMD_USER_UNIT",
    [FIELD_SOURCE_REALTIME] = "_SOURCE_REALTIME_TIMESTAMP",
    [FIELD_SOURCE_MONOTONIC] = "_SOURCE_MONOTONIC_TIMESTAMP",
    [FIELD_BOOT_ID] = "_BOOT_ID",
};

/* What is known of a data object that many entries have, so that it is worked out once. */
struct slot {
    const struct journal_file *file;
    uint64_t offset;
    uint8_t kind, name_length;
    bool wanted;   /* by --output-fields */
    uint16_t name; /* number of the name */
    char *text;    /* as this mode writes it, NULL: not yet made */
    size_t length;
};

struct output {
    struct output_options options;
    struct strbuf *out;
    struct slot *slots;

    struct name {
        char *text;
        uint8_t length;
        uint64_t stamp; /* the last entry that had it */
    } names[NAMES_MAX];
    size_t n_names;
    uint64_t n_entries;

    usec_t time_second; /* of the cached text */
    char time_text[64];
    size_t time_length;

    struct id128 previous_boot; /* short-delta */
    usec_t previous_monotonic, previous_realtime;
    bool has_previous;

    struct strbuf stripped;
};

static const char *const mode_names[ENTRY_MODE_MAX] = {
    [ENTRY_SHORT] = "short",
    [ENTRY_SHORT_FULL] = "short-full",
    [ENTRY_SHORT_ISO] = "short-iso",
    [ENTRY_SHORT_ISO_PRECISE] = "short-iso-precise",
    [ENTRY_SHORT_PRECISE] = "short-precise",
    [ENTRY_SHORT_MONOTONIC] = "short-monotonic",
    [ENTRY_SHORT_DELTA] = "short-delta",
    [ENTRY_SHORT_UNIX] = "short-unix",
    [ENTRY_WITH_UNIT] = "with-unit",
    [ENTRY_VERBOSE] = "verbose",
    [ENTRY_EXPORT] = "export",
    [ENTRY_JSON] = "json",
    [ENTRY_JSON_PRETTY] = "json-pretty",
    [ENTRY_JSON_SSE] = "json-sse",
    [ENTRY_JSON_SEQ] = "json-seq",
    [ENTRY_CAT] = "cat",
    [ENTRY_LOGFMT] = "logfmt",
};

int entry_mode_from_name(const char *name, enum entry_mode *ret)
{
    for (size_t i = 0; i < ENTRY_MODE_MAX; i++) {
        if (streq(mode_names[i], name)) {
            *ret = (enum entry_mode) i;
            return 0;
        }
    }
    return -EINVAL;
}

const char *entry_mode_name(enum entry_mode mode)
{
    return mode_names[mode];
}

struct output *output_new(const struct output_options *options, struct strbuf *buffer)
{
    struct output *o = new0(struct output, 1);

    if (!o)
        return NULL;
    o->options = *options;
    o->out = buffer;
    o->slots = new0(struct slot, SLOTS);
    if (!o->slots) {
        free(o);
        return NULL;
    }
    return o;
}

void output_free(struct output *o)
{
    if (!o)
        return;
    for (size_t i = 0; i < SLOTS; i++)
        free(o->slots[i].text);
    for (size_t i = 0; i < o->n_names; i++)
        free(o->names[i].text);
    strbuf_done(&o->stripped);
    free(o->slots);
    free(o);
}

/* ---- fields ---- */

struct value {
    const char *text; /* NULL: there is none */
    size_t n;
};

static enum field_kind kind_of(const char *name, size_t n)
{
    for (size_t i = 1; i < FIELD_KIND_MAX; i++) {
        if (strlen(kind_names[i]) == n && memcmp(kind_names[i], name, n) == 0)
            return (enum field_kind) i;
    }
    return FIELD_OTHER;
}

static bool field_wanted(const struct output *o, const char *name, size_t n)
{
    if (!o->options.fields)
        return true;
    STRV_FOREACH (f, o->options.fields) {
        if (strlen(*f) == n && memcmp(*f, name, n) == 0)
            return true;
    }
    return false;
}

/* The number of a field name; the last number stands for all that there is no room for. */
static uint16_t name_number(struct output *o, const char *name, size_t n)
{
    for (size_t i = 0; i < o->n_names; i++) {
        if (o->names[i].length == n && memcmp(o->names[i].text, name, n) == 0)
            return (uint16_t) i;
    }
    if (o->n_names == NAMES_MAX - 1 || n > UINT8_MAX)
        return NAMES_MAX - 1;
    char *text = memdup0(name, n);
    if (!text)
        return NAMES_MAX - 1;
    o->names[o->n_names].text = text;
    o->names[o->n_names].length = (uint8_t) n;
    return (uint16_t) o->n_names++;
}

/* Works out what the data object is, into the slot of its own where it is shared by entries, else
 * into `scratch`. NULL: it is damaged. */
static struct slot *slot_get(struct output *o, struct journal_file *f, uint64_t offset,
                             struct slot *scratch, const char **ret, size_t *ret_n)
{
    struct slot *s = &o->slots[(offset >> 3) % SLOTS];

    if (s->offset == offset && s->file == f)
        return journal_data(f, offset, ret, ret_n) < 0 ? NULL : s;
    if (journal_data(f, offset, ret, ret_n) < 0)
        return NULL;
    const char *equal = memchr(*ret, '=', *ret_n);
    if (!equal || equal == *ret)
        return NULL;
    size_t n = (size_t) (equal - *ret);
    if (n > UINT8_MAX)
        return NULL;
    const struct data_object *d = (const struct data_object *) (f->map + offset);
    if (d->n_entries > 1 && !(d->head.flags & OBJECT_COMPRESSED)) {
        free(s->text);
    } else {
        s = scratch;
    }
    *s = (struct slot){
        .file = f,
        .offset = offset,
        .kind = (uint8_t) kind_of(*ret, n),
        .name_length = (uint8_t) n,
        .name = name_number(o, *ret, n),
        .wanted = field_wanted(o, *ret, n),
    };
    return s;
}

int entry_field(struct journal_file *f, const struct entry_object *e, const char *name,
                const char **ret, size_t *ret_n)
{
    size_t length = strlen(name);

    for (size_t i = 0, n = journal_entry_n_items(f, e); i < n; i++) {
        const char *payload;
        size_t size;
        int r = journal_data(f, journal_entry_item(f, e, i), &payload, &size);

        if (r == -ENOMEM)
            return r;
        if (r < 0 || size <= length || payload[length] != '=' || memcmp(payload, name, length) != 0)
            continue;
        *ret = payload + length + 1;
        *ret_n = size - length - 1;
        return 1;
    }
    return 0;
}

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

/* The fields that short modes show. */
static void gather(struct output *o, struct journal_file *f, const struct entry_object *e,
                   struct value values[FIELD_KIND_MAX])
{
    uint64_t message = 0;

    memset(values, 0, FIELD_KIND_MAX * sizeof *values);
    for (size_t i = 0, n = journal_entry_n_items(f, e); i < n; i++) {
        struct slot scratch;
        const char *payload;
        size_t size;
        struct slot *s = slot_get(o, f, journal_entry_item(f, e, i), &scratch, &payload, &size);

        if (!s || s->kind == FIELD_OTHER)
            continue;
        values[s->kind] = (struct value){ payload + s->name_length + 1, size - s->name_length - 1 };
        if (s->kind == FIELD_MESSAGE)
            message = s->offset;
        else if (((const struct object *) (f->map + s->offset))->flags & OBJECT_COMPRESSED)
            values[s->kind].text = NULL; /* too long to be shown, and soon unpacked over */
    }
    /* Again, for the message may have been unpacked over by other fields. */
    const char *payload;
    size_t size;
    if (message != 0 && journal_data(f, message, &payload, &size) >= 0)
        values[FIELD_MESSAGE] = (struct value){ payload + 8, size - 8 };
}

/* ---- times ---- */

#define REALTIME_VALID(t) ((t) > 0 && (t) < UINT64_C(1) << 55)

static usec_t move_clock(usec_t from, usec_t from_base, usec_t to_base)
{
    return from >= from_base ? usec_add(to_base, from - from_base)
                             : usec_sub(to_base, from_base - from);
}

/* When it happened, as near as is known: the sender's own times come first. */
static struct dual_time display_time(const struct entry_object *e, const struct value *values)
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
static void add_second(struct output *o, usec_t t, enum entry_mode mode)
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

static void add_zone(struct output *o, usec_t t, const char *pattern)
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

static void add_micro(struct output *o, usec_t t)
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

static void add_time(struct output *o, const struct entry_object *e, const struct value *values)
{
    struct dual_time t = display_time(e, values);

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
        add_micro(o, t.realtime);
        return;
    default:
        break;
    }
    add_second(o, t.realtime, o->options.mode);
    if (o->options.mode == ENTRY_SHORT_PRECISE || o->options.mode == ENTRY_SHORT_ISO_PRECISE)
        add_micro(o, t.realtime);
    if (o->options.mode == ENTRY_SHORT_ISO || o->options.mode == ENTRY_SHORT_ISO_PRECISE)
        add_zone(o, t.realtime, "%z");
}

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

static bool printable(const char *text, size_t n, bool newline)
{
    if (printable_ascii(text, n))
        return true;
    return json_is_text(text, n) && (newline || !memchr(text, '\n', n));
}

static bool shown(const struct output *o, const struct value *v)
{
    return v->text && (o->options.all || (v->n < LONG_VALUE && printable(v->text, v->n, true)));
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

static int output_short(struct output *o, struct journal_file *f, const struct entry_object *e,
                        const size_t *highlight)
{
    struct value values[FIELD_KIND_MAX];
    struct value *message = &values[FIELD_MESSAGE], *priority = &values[FIELD_PRIORITY];

    gather(o, f, e, values);
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
    add_time(o, e, values);
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
    if (!o->options.all && !printable(message->text, message->n, true)) {
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

static int output_cat(struct output *o, struct journal_file *f, const struct entry_object *e,
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

static int output_verbose(struct output *o, struct journal_file *f, const struct entry_object *e)
{
    struct value values[FIELD_KIND_MAX];
    char cursor[JOURNAL_CURSOR_MAX];

    gather(o, f, e, values);
    usec_t t = display_time(e, values).realtime;
    if (!values[FIELD_SOURCE_REALTIME].text)
        t = e->realtime;
    add_second(o, t, ENTRY_VERBOSE);
    add_micro(o, t);
    strbuf_add_char(o->out, ' ');
    add_zone(o, t, "%Z");
    journal_cursor_format(f, e, cursor);
    strbuf_addf(o->out, " [%s]\n", cursor);

    for (size_t i = 0, n = journal_entry_n_items(f, e); i < n; i++) {
        struct slot scratch;
        const char *payload;
        size_t size;
        struct slot *s = slot_get(o, f, journal_entry_item(f, e, i), &scratch, &payload, &size);

        if (!s || !s->wanted)
            continue;
        size_t value_length = size - s->name_length - 1;
        strbuf_add(o->out, "    ");
        if (o->options.color && s->kind == FIELD_MESSAGE)
            strbuf_add(o->out, "\033[0;1;39m");
        strbuf_add_n(o->out, payload, (size_t) s->name_length + 1);
        if (o->options.all ||
            ((o->options.full || size < LONG_VALUE) && printable(payload, size, true))) {
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

/* ---- export ---- */

static void add_two(struct output *o, const char *before, const char *text)
{
    strbuf_add(o->out, before);
    strbuf_add(o->out, text);
}

static void add_number(struct output *o, const char *before, uint64_t v)
{
    char digits[U64_DIGITS];

    strbuf_add(o->out, before);
    strbuf_add_n(o->out, digits, put_u64(digits, v));
}

static void add_export_field(struct strbuf *b, const struct slot *s, const char *payload, size_t n)
{
    uint64_t size = htole64(n - s->name_length - 1);

    if (printable(payload, n, false)) {
        strbuf_add_n(b, payload, n);
    } else {
        strbuf_add_n(b, payload, s->name_length);
        strbuf_add_char(b, '\n');
        strbuf_add_n(b, &size, sizeof size);
        strbuf_add_n(b, payload + s->name_length + 1, n - s->name_length - 1);
    }
    strbuf_add_char(b, '\n');
}

/* The same text for every entry that has the field. */
static void add_cached(struct output *o, struct slot *s, const struct slot *scratch,
                       const char *payload, size_t n,
                       void (*make)(struct output *o, struct strbuf *b, const struct slot *s,
                                    const char *payload, size_t n))
{
    if (s->text) {
        strbuf_add_n(o->out, s->text, s->length);
        return;
    }
    size_t begin = o->out->length;
    make(o, o->out, s, payload, n);
    if (s != scratch && !o->out->failed) {
        s->length = o->out->length - begin;
        s->text = memdup0(o->out->text + begin, s->length);
    }
}

static void make_export(struct output *o, struct strbuf *b, const struct slot *s,
                        const char *payload, size_t n)
{
    add_export_field(b, s, payload, n);
}

static int output_export(struct output *o, struct journal_file *f, const struct entry_object *e)
{
    char cursor[JOURNAL_CURSOR_MAX], boot[ID128_TEXT_MAX], id[ID128_TEXT_MAX];

    journal_cursor_format(f, e, cursor);
    add_two(o, "__CURSOR=", cursor);
    add_number(o, "\n__REALTIME_TIMESTAMP=", e->realtime);
    add_number(o, "\n__MONOTONIC_TIMESTAMP=", e->monotonic);
    add_number(o, "\n__SEQNUM=", e->seqnum);
    add_two(o, "\n__SEQNUM_ID=", id128_format(journal_header(f)->seqnum_id, id));
    add_two(o, "\n_BOOT_ID=", id128_format(e->boot_id, boot));
    strbuf_add_char(o->out, '\n');
    for (size_t i = 0, n = journal_entry_n_items(f, e); i < n; i++) {
        struct slot scratch;
        const char *payload;
        size_t size;
        struct slot *s = slot_get(o, f, journal_entry_item(f, e, i), &scratch, &payload, &size);

        /* The boot is above already. */
        if (s && s->wanted && s->kind != FIELD_BOOT_ID)
            add_cached(o, s, &scratch, payload, size, make_export);
    }
    strbuf_add_char(o->out, '\n');
    return 1;
}

/* ---- json ---- */

static void add_json_member(struct output *o, struct strbuf *b, const char *payload, size_t n,
                            size_t name_length)
{
    const char *value = payload + name_length + 1;
    size_t length = n - name_length - 1;

    if (!o->options.all && n >= JSON_LONG)
        strbuf_add(b, "null");
    else
        json_add_value(b, value, length);
}

static const char *json_separator(const struct output *o)
{
    return o->options.mode == ENTRY_JSON_PRETTY ? ",\n\t" : ",";
}

static void make_json(struct output *o, struct strbuf *b, const struct slot *s, const char *payload,
                      size_t n)
{
    strbuf_add(b, json_separator(o));
    strbuf_add_char(b, '"');
    strbuf_add_n(b, payload, s->name_length);
    strbuf_add(b, o->options.mode == ENTRY_JSON_PRETTY ? "\" : " : "\":");
    add_json_member(o, b, payload, n, s->name_length);
}

/* A field that the entry has several times is an array, where it was first. */
static void add_json_array(struct output *o, struct journal_file *f, const struct entry_object *e,
                           size_t first, const char *name, size_t name_length)
{
    size_t n_items = journal_entry_n_items(f, e);
    bool more = false;

    strbuf_add(o->out, json_separator(o));
    strbuf_addf(o->out, "\"%.*s\"%s[", (int) name_length, name,
                o->options.mode == ENTRY_JSON_PRETTY ? " : " : ":");
    auto_free char *copy = memdup0(name, name_length);
    for (size_t i = first; copy && i < n_items; i++) {
        const char *payload;
        size_t n;

        if (journal_data(f, journal_entry_item(f, e, i), &payload, &n) < 0 || n <= name_length ||
            payload[name_length] != '=' || memcmp(payload, copy, name_length) != 0)
            continue;
        if (more)
            strbuf_add_char(o->out, ',');
        add_json_member(o, o->out, payload, n, name_length);
        more = true;
    }
    strbuf_add_char(o->out, ']');
}

/* How the names that the entry has several times are to be written. */
enum repeat { REPEATS_NOT, REPEATS, REPEATS_WRITTEN };

static bool name_repeats(struct output *o, struct journal_file *f, const struct entry_object *e,
                         uint8_t repeats[NAMES_MAX])
{
    bool any = false;

    o->n_entries++;
    for (size_t i = 0, n = journal_entry_n_items(f, e); i < n; i++) {
        struct slot scratch;
        const char *payload;
        size_t size;
        struct slot *s = slot_get(o, f, journal_entry_item(f, e, i), &scratch, &payload, &size);

        if (!s)
            continue;
        if (o->names[s->name].stamp == o->n_entries) {
            if (!any)
                memset(repeats, 0, NAMES_MAX * sizeof *repeats);
            any = true;
            repeats[s->name] = REPEATS;
        }
        o->names[s->name].stamp = o->n_entries;
    }
    return any;
}

static void add_json_fields(struct output *o, struct journal_file *f, const struct entry_object *e)
{
    uint8_t repeats[NAMES_MAX];
    bool any = name_repeats(o, f, e, repeats);

    for (size_t i = 0, n = journal_entry_n_items(f, e); i < n; i++) {
        struct slot scratch;
        const char *payload;
        size_t size;
        struct slot *s = slot_get(o, f, journal_entry_item(f, e, i), &scratch, &payload, &size);

        if (!s || !s->wanted || s->kind == FIELD_BOOT_ID)
            continue;
        if (!any || repeats[s->name] == REPEATS_NOT || s->name == NAMES_MAX - 1) {
            add_cached(o, s, &scratch, payload, size, make_json);
        } else if (repeats[s->name] == REPEATS) {
            add_json_array(o, f, e, i, o->names[s->name].text, s->name_length);
            repeats[s->name] = REPEATS_WRITTEN;
        }
    }
}

static int output_json(struct output *o, struct journal_file *f, const struct entry_object *e)
{
    static const char *const begins[ENTRY_MODE_MAX] = {
        [ENTRY_JSON] = "{",
        [ENTRY_JSON_PRETTY] = "{\n\t",
        [ENTRY_JSON_SSE] = "data: {",
        [ENTRY_JSON_SEQ] = "\x1e{",
    };
    static const char *const ends[ENTRY_MODE_MAX] = {
        [ENTRY_JSON] = "}\n",
        [ENTRY_JSON_PRETTY] = "\n}\n",
        [ENTRY_JSON_SSE] = "}\n\n",
        [ENTRY_JSON_SEQ] = "}\n",
    };
    char cursor[JOURNAL_CURSOR_MAX], boot[ID128_TEXT_MAX], id[ID128_TEXT_MAX];
    bool pretty = o->options.mode == ENTRY_JSON_PRETTY;

    journal_cursor_format(f, e, cursor);
    strbuf_add(o->out, begins[o->options.mode]);
    add_two(o, pretty ? "\"__CURSOR\" : \"" : "\"__CURSOR\":\"", cursor);
    add_number(o,
               pretty ? "\",\n\t\"__REALTIME_TIMESTAMP\" : \"" : "\",\"__REALTIME_TIMESTAMP\":\"",
               e->realtime);
    add_number(o,
               pretty ? "\",\n\t\"__MONOTONIC_TIMESTAMP\" : \"" : "\",\"__MONOTONIC_TIMESTAMP\":\"",
               e->monotonic);
    add_number(o, pretty ? "\",\n\t\"__SEQNUM\" : \"" : "\",\"__SEQNUM\":\"", e->seqnum);
    add_two(o, pretty ? "\",\n\t\"__SEQNUM_ID\" : \"" : "\",\"__SEQNUM_ID\":\"",
            id128_format(journal_header(f)->seqnum_id, id));
    add_two(o, pretty ? "\",\n\t\"_BOOT_ID\" : \"" : "\",\"_BOOT_ID\":\"",
            id128_format(e->boot_id, boot));
    strbuf_add_char(o->out, '"');
    add_json_fields(o, f, e);
    strbuf_add(o->out, ends[o->options.mode]);
    return 1;
}

/* ---- logfmt ---- */

static void make_logfmt(struct output *o, struct strbuf *b, const struct slot *s,
                        const char *payload, size_t n)
{
    const char *value = payload + s->name_length + 1;
    size_t length = n - s->name_length - 1;
    bool plain = length > 0;

    for (size_t i = 0; i < length && plain; i++)
        plain = (unsigned char) value[i] > ' ' && !strchr("\"=\\", value[i]) &&
                (unsigned char) value[i] != 0x7f;
    strbuf_add_char(b, ' ');
    for (size_t i = 0; i < s->name_length; i++) {
        char c = payload[i];

        strbuf_add_char(b, c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c);
    }
    strbuf_add_char(b, '=');
    if (plain && utf8_is_valid_n(value, length)) {
        strbuf_add_n(b, value, length);
    } else if (utf8_is_valid_n(value, length)) {
        json_add_text(b, value, length);
    } else {
        auto_free char *clean = utf8_sanitize(value, length, true);

        json_add_text(b, strempty(clean), strlen(strempty(clean)));
    }
}

static int output_logfmt(struct output *o, struct journal_file *f, const struct entry_object *e)
{
    strbuf_add(o->out, "time=");
    add_second(o, e->realtime, ENTRY_SHORT_ISO);
    add_micro(o, e->realtime);
    add_zone(o, e->realtime, "%z");
    for (size_t i = 0, n = journal_entry_n_items(f, e); i < n; i++) {
        struct slot scratch;
        const char *payload;
        size_t size;
        struct slot *s = slot_get(o, f, journal_entry_item(f, e, i), &scratch, &payload, &size);

        if (s && s->wanted)
            add_cached(o, s, &scratch, payload, size, make_logfmt);
    }
    strbuf_add_char(o->out, '\n');
    return 1;
}

/* ---- all ---- */

int output_entry(struct output *o, struct journal_file *f, const struct entry_object *e,
                 const size_t highlight[2])
{
    if (!e)
        return -EBADMSG;
    switch (o->options.mode) {
    case ENTRY_SHORT:
    case ENTRY_SHORT_FULL:
    case ENTRY_SHORT_ISO:
    case ENTRY_SHORT_ISO_PRECISE:
    case ENTRY_SHORT_PRECISE:
    case ENTRY_SHORT_MONOTONIC:
    case ENTRY_SHORT_DELTA:
    case ENTRY_SHORT_UNIX:
    case ENTRY_WITH_UNIT:
        return output_short(o, f, e, highlight);
    case ENTRY_VERBOSE:
        return output_verbose(o, f, e);
    case ENTRY_EXPORT:
        return output_export(o, f, e);
    case ENTRY_JSON:
    case ENTRY_JSON_PRETTY:
    case ENTRY_JSON_SSE:
    case ENTRY_JSON_SEQ:
        return output_json(o, f, e);
    case ENTRY_CAT:
        return output_cat(o, f, e, highlight);
    case ENTRY_LOGFMT:
        return output_logfmt(o, f, e);
    case ENTRY_MODE_MAX:
        break;
    }
    assert_unreachable();
}
