#include "journal/file-verify.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "journal/entry-list.h"

struct verify {
    struct journal_file *f;
    struct verify_report *report;
    const struct journal_header *h;
    uint64_t counts[OBJECT_TYPE_MAX], n_objects, end;
    uint8_t *kinds; /* the type of the object at each 8 bytes, 0 for none: offsets can be checked */
    uint64_t last_seqnum, last_monotonic, first_realtime, last_realtime;
    struct id128 last_boot;
    bool any_entry;
};

static int damaged(struct verify *v, uint64_t offset, const char *fmt, ...) _printf_(3, 4);
static int damaged(struct verify *v, uint64_t offset, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(v->report->text, sizeof v->report->text, fmt, ap);
    va_end(ap);
    v->report->offset = offset;
    return -EBADMSG;
}

static bool is_object(const struct verify *v, uint64_t offset, enum object_type type)
{
    return offset % 8 == 0 && offset < v->end && v->kinds[offset / 8] == type;
}

/* ---- each object by itself ---- */

static int verify_data(struct verify *v, uint64_t at, const struct data_object *d)
{
    const char *payload;
    size_t n;

    if ((d->head.flags & OBJECT_COMPRESSED) & ((d->head.flags & OBJECT_COMPRESSED) - 1))
        return damaged(v, at, "data object with two compressions");
    if ((d->entry_offset == 0) != (d->n_entries == 0))
        return damaged(v, at, "data object counts entries and has none");
    int r = journal_data(v->f, at, &payload, &n);
    if (r < 0)
        return r == -ENOMEM ? r : damaged(v, at, "data object cannot be decompressed");
    if (journal_hash(v->f, payload, n) != d->hash)
        return damaged(v, at, "data object does not have its hash");
    if (!memchr(payload, '=', n))
        return damaged(v, at, "data object is no field");
    return 0;
}

static int verify_entry(struct verify *v, uint64_t at, const struct entry_object *e)
{
    size_t unit = v->f->compact ? 4 : 16;

    if ((e->head.size - ENTRY_ITEMS) % unit != 0 || journal_entry_n_items(v->f, e) == 0)
        return damaged(v, at, "entry of a wrong size");
    if (e->seqnum == 0 || e->realtime == 0 || id128_is_null(e->boot_id))
        return damaged(v, at, "entry without number, time or boot");
    if (v->any_entry && e->seqnum <= v->last_seqnum)
        return damaged(v, at, "entry number goes back");
    if (v->any_entry && id128_equal(v->last_boot, e->boot_id) && e->monotonic < v->last_monotonic)
        return damaged(v, at, "time goes back within a boot");
    if (!v->any_entry) {
        v->first_realtime = e->realtime;
        if (v->h->head_entry_seqnum != e->seqnum)
            return damaged(v, at, "first entry has not the number that the header says");
    }
    v->any_entry = true;
    v->last_seqnum = e->seqnum;
    v->last_monotonic = e->monotonic;
    v->last_realtime = e->realtime;
    v->last_boot = e->boot_id;
    return 0;
}

static int verify_object(struct verify *v, uint64_t at, const struct object *o)
{
    switch (o->type) {
    case OBJECT_DATA:
        return verify_data(v, at, (const struct data_object *) o);
    case OBJECT_ENTRY:
        return verify_entry(v, at, (const struct entry_object *) o);
    case OBJECT_FIELD: {
        const struct field_object *f = (const struct field_object *) o;

        if (journal_hash(v->f, f->payload, o->size - sizeof *f) != f->hash)
            return damaged(v, at, "field object does not have its hash");
        return 0;
    }
    default:
        return 0;
    }
}

static int walk_objects(struct verify *v)
{
    uint64_t at = v->h->header_size;

    if (v->h->tail_object_offset == 0)
        return damaged(v, 0, "file without objects");
    for (;; v->n_objects++) {
        if (at % 8 != 0 || at > v->f->size - sizeof(struct object))
            return damaged(v, at, "objects go past the end of the file");
        const struct object *o = (const struct object *) (v->f->map + at);
        if (o->type == OBJECT_UNUSED || o->type >= OBJECT_TYPE_MAX ||
            !journal_object(v->f, at, o->type))
            return damaged(v, at, "no sound object");
        int r = verify_object(v, at, o);
        if (r < 0)
            return r;
        v->kinds[at / 8] = o->type;
        v->counts[o->type]++;
        uint64_t next = at + align8(o->size);
        if (at == v->h->tail_object_offset) {
            v->n_objects++;
            v->end = next;
            return 0;
        }
        if (at > v->h->tail_object_offset)
            return damaged(v, at, "the last object is not where the header says");
        at = next;
    }
}

/* ---- what points to what ---- */

static int verify_chain(struct verify *v, const struct hash_item *bucket, uint64_t index,
                        uint64_t n_buckets, enum object_type type)
{
    uint64_t before = 0, at = bucket->head_hash_offset;

    while (at != 0) {
        if (at <= before || !is_object(v, at, type))
            return damaged(v, at, "hash chain leads nowhere");
        /* Data and field objects begin alike. */
        const struct field_object *o = (const struct field_object *) (v->f->map + at);
        if (o->hash % n_buckets != index)
            return damaged(v, at, "object in a wrong hash chain");
        v->kinds[at / 8] |= 0x80; /* found */
        before = at;
        at = o->next_hash_offset;
    }
    if (bucket->tail_hash_offset != before)
        return damaged(v, bucket->tail_hash_offset, "hash chain does not end where it says");
    return 0;
}

static int verify_table(struct verify *v, uint64_t offset, uint64_t n, enum object_type type)
{
    const struct hash_item *table = (const struct hash_item *) (v->f->map + offset);

    for (uint64_t i = 0; i < n; i++) {
        int r = verify_chain(v, &table[i], i, n, type);

        if (r < 0)
            return r;
    }
    for (uint64_t i = 0; i < v->end / 8; i++) {
        if (v->kinds[i] == type)
            return damaged(v, i * 8, "object is in no hash chain");
        if (v->kinds[i] == (type | 0x80))
            v->kinds[i] = type;
    }
    return 0;
}

static bool entry_has(const struct verify *v, uint64_t entry, uint64_t data)
{
    const struct entry_object *e = journal_entry(v->f, entry);

    for (size_t i = 0, n = e ? journal_entry_n_items(v->f, e) : 0; i < n; i++) {
        if (journal_entry_item(v->f, e, i) == data)
            return true;
    }
    return false;
}

/* A list of entries: in order, each an entry, each with the data object that lists it. */
static int verify_list(struct verify *v, uint64_t data, uint64_t n)
{
    struct entry_list list = { 0 };
    uint64_t before = 0;
    int r = data == 0 ? entry_list_load(&list, v->f) : entry_list_load_data(&list, v->f, data);

    if (r >= 0 && v->f->damaged)
        r = damaged(v, v->f->damage_at, "%s", v->f->damage);
    else if (r >= 0 && list.n != n)
        r = damaged(v, data, "list has %zu entries, not %ju", list.n, (uintmax_t) n);
    for (size_t i = 0; r >= 0 && i < list.n; i++) {
        uint64_t entry = entry_list_get(&list, v->f, i);

        if (entry <= before || !is_object(v, entry, OBJECT_ENTRY))
            r = damaged(v, data, "list has what is no entry, or is out of order");
        else if (data != 0 && !entry_has(v, entry, data))
            r = damaged(v, entry, "entry is listed by a field that it does not have");
        before = entry;
    }
    entry_list_done(&list);
    return r;
}

static int verify_links(struct verify *v)
{
    uint64_t links = 0, listed = 0;

    for (uint64_t at = v->h->header_size; at < v->end;) {
        const struct object *o = (const struct object *) (v->f->map + at);

        if (o->type == OBJECT_DATA) {
            const struct data_object *d = (const struct data_object *) o;
            int r = verify_list(v, at, d->n_entries);

            if (r < 0)
                return r;
            listed += d->n_entries;
        } else if (o->type == OBJECT_ENTRY) {
            const struct entry_object *e = (const struct entry_object *) o;
            size_t n = journal_entry_n_items(v->f, e);

            for (size_t i = 0; i < n; i++) {
                if (!is_object(v, journal_entry_item(v->f, e, i), OBJECT_DATA))
                    return damaged(v, at, "entry points to what is no field");
            }
            links += n;
        }
        at += align8(o->size);
    }
    if (links != listed)
        return damaged(v, 0, "fields list %ju entries, entries have %ju fields", (uintmax_t) listed,
                       (uintmax_t) links);
    return verify_list(v, 0, v->counts[OBJECT_ENTRY]);
}

static int verify_header(struct verify *v)
{
    const struct journal_header *h = v->h;

    if (h->state > STATE_ARCHIVED)
        return damaged(v, 0, "unknown state");
    if (h->header_size + h->arena_size > v->f->size)
        return damaged(v, 0, "file is shorter than its header says");
    if (h->header_size + h->arena_size < v->end)
        return damaged(v, 0, "header says that less is used");
    if (v->n_objects != h->n_objects || v->counts[OBJECT_ENTRY] != h->n_entries ||
        (HEADER_HAS(h, n_data) && v->counts[OBJECT_DATA] != h->n_data) ||
        (HEADER_HAS(h, n_fields) && v->counts[OBJECT_FIELD] != h->n_fields) ||
        (HEADER_HAS(h, n_tags) && v->counts[OBJECT_TAG] != h->n_tags) ||
        (HEADER_HAS(h, n_entry_arrays) && v->counts[OBJECT_ENTRY_ARRAY] != h->n_entry_arrays))
        return damaged(v, 0, "header does not count as many objects as there are");
    if (v->counts[OBJECT_DATA_HASH_TABLE] != 1 || v->counts[OBJECT_FIELD_HASH_TABLE] != 1)
        return damaged(v, 0, "file has not one hash table of each kind");
    if (v->any_entry &&
        (h->tail_entry_seqnum != v->last_seqnum || h->tail_entry_realtime != v->last_realtime ||
         h->head_entry_realtime != v->first_realtime))
        return damaged(v, 0, "header and entries differ in numbers or times");
    return 0;
}

int journal_file_verify(struct journal_file *f, struct verify_report *report)
{
    struct verify v = { .f = f, .report = report, .h = journal_header(f) };

    *report = (struct verify_report){ 0 };
    if (f->damaged)
        return damaged(&v, f->damage_at, "%s", f->damage);
    v.kinds = calloc(f->size / 8 + 1, 1);
    if (!v.kinds)
        return -ENOMEM;
    int r = walk_objects(&v);
    if (r >= 0)
        r = verify_header(&v);
    if (r >= 0)
        r = verify_table(&v, f->data_table, f->data_buckets, OBJECT_DATA);
    if (r >= 0)
        r = verify_table(&v, f->field_table, f->field_buckets, OBJECT_FIELD);
    if (r >= 0)
        r = verify_links(&v);
    free(v.kinds);
    report->n_entries = v.counts[OBJECT_ENTRY];
    report->n_data = v.counts[OBJECT_DATA];
    return r;
}
