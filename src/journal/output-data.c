/* Modes for programs: export, json and its variants, logfmt. */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf8.h"
#include "journal/json.h"
#include "journal/output-entry.h"
#include "journal/query.h"

#define JSON_LONG 4096 /* longer values are not shown without --all */

/* ---- what they have in common ---- */

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

/* ---- export ---- */

static void add_export_field(struct strbuf *b, const struct slot *s, const char *payload, size_t n)
{
    uint64_t size = htole64(n - s->name_length - 1);

    if (output_printable(payload, n, false)) {
        strbuf_add_n(b, payload, n);
    } else {
        strbuf_add_n(b, payload, s->name_length);
        strbuf_add_char(b, '\n');
        strbuf_add_n(b, &size, sizeof size);
        strbuf_add_n(b, payload + s->name_length + 1, n - s->name_length - 1);
    }
    strbuf_add_char(b, '\n');
}

static void make_export(struct output *o, struct strbuf *b, const struct slot *s,
                        const char *payload, size_t n)
{
    add_export_field(b, s, payload, n);
}

int output_export(struct output *o, struct journal_file *f, const struct entry_object *e)
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
        struct slot *s = output_slot(o, f, journal_entry_item(f, e, i), &scratch, &payload, &size);

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
        struct slot *s = output_slot(o, f, journal_entry_item(f, e, i), &scratch, &payload, &size);

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
        struct slot *s = output_slot(o, f, journal_entry_item(f, e, i), &scratch, &payload, &size);

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

int output_json(struct output *o, struct journal_file *f, const struct entry_object *e)
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

int output_logfmt(struct output *o, struct journal_file *f, const struct entry_object *e)
{
    strbuf_add(o->out, "time=");
    output_second(o, e->realtime, ENTRY_SHORT_ISO);
    output_micro(o, e->realtime);
    output_zone(o, e->realtime, "%z");
    for (size_t i = 0, n = journal_entry_n_items(f, e); i < n; i++) {
        struct slot scratch;
        const char *payload;
        size_t size;
        struct slot *s = output_slot(o, f, journal_entry_item(f, e, i), &scratch, &payload, &size);

        if (s && s->wanted)
            add_cached(o, s, &scratch, payload, size, make_logfmt);
    }
    strbuf_add_char(o->out, '\n');
    return 1;
}
