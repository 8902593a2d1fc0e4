/* What the fields of an entry are, worked out once for those that many entries share. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "journal/output-entry.h"

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

struct slot *output_slot(struct output *o, struct journal_file *f, uint64_t offset,
                         struct slot *scratch, const char **ret, size_t *ret_n)
{
    struct slot *s = &o->slots[(offset >> 3) % OUTPUT_SLOTS];

    if (s->offset == offset && s->file == f) {
        /* It was looked at before, and is not compressed. */
        *ret = (const char *) f->map + offset + journal_data_header_size(f);
        *ret_n = s->size;
        return s;
    }
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
        .size = *ret_n,
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

void output_gather(struct output *o, struct journal_file *f, const struct entry_object *e,
                   struct value values[FIELD_KIND_MAX])
{
    uint64_t message = 0;

    memset(values, 0, FIELD_KIND_MAX * sizeof *values);
    for (size_t i = 0, n = journal_entry_n_items(f, e); i < n; i++) {
        struct slot scratch;
        const char *payload;
        size_t size;
        struct slot *s = output_slot(o, f, journal_entry_item(f, e, i), &scratch, &payload, &size);

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
