#include "journal/file-write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "journal/compress.h"
#include "journal/file-write-inside.h"

#define CLEAN_STEP (256u << 10)
#define CHAIN_DEPTH_MAX 100
#define ARRAY_FIRST 4
#define ARRAY_LARGE 8192
const struct journal_header *journal_writer_header(const struct journal_writer *w)
{
    return header(w);
}

int journal_writer_fd(const struct journal_writer *w)
{
    return w->fd;
}

uint64_t journal_writer_seqnum(const struct journal_writer *w)
{
    return w->next_seqnum;
}

void journal_writer_set_seqnum(struct journal_writer *w, uint64_t next)
{
    w->next_seqnum = MAX(next, w->next_seqnum);
}

/* ---- room ---- */

int writer_allocate(int fd, uint64_t from, uint64_t n)
{
    static const char zeros[4096];

    if (fallocate(fd, 0, (off_t) from, (off_t) n) >= 0)
        return 0;
    if (errno != EOPNOTSUPP && errno != ENOSYS)
        return -errno;
    /* Written, so that the blocks are there. */
    for (uint64_t at = from; at < from + n; at += sizeof zeros) {
        if (pwrite(fd, zeros, MIN(sizeof zeros, from + n - at), (off_t) at) < 0)
            return -errno;
    }
    return 0;
}

static int extend(struct journal_writer *w, uint64_t end)
{
    if (end > w->max_size)
        return -E2BIG;
    uint64_t size = MIN((end + GROW_STEP - 1) / GROW_STEP * GROW_STEP, w->max_size);
    int r = writer_allocate(w->fd, w->allocated, size - w->allocated);
    if (r == -ENOSPC && size > end + 65536) {
        /* The last of the disk in smaller steps. */
        size = MIN((end + 65535) / 65536 * 65536, w->max_size);
        r = writer_allocate(w->fd, w->allocated, size - w->allocated);
    }
    if (r < 0)
        return r;
    w->allocated = size;
    header(w)->arena_size = size - header(w)->header_size;
    return 0;
}

/* Zeros are written some way ahead of what is stored, so that the kernel has the pages in large
 * pieces. To read each from the disk and to make it writable when it is first touched took a
 * quarter of the collector's time. */
static int make_clean(struct journal_writer *w, uint64_t end)
{
    static uint8_t zeros[CLEAN_STEP]; /* not const: it would be in the program's file */

    while (w->clean < end) {
        uint64_t to = MIN((w->clean / CLEAN_STEP + 1) * CLEAN_STEP, w->allocated);
        ssize_t n = pwrite(w->fd, zeros, to - w->clean, (off_t) w->clean);

        if (n < 0)
            return -errno;
        w->clean += (uint64_t) n;
    }
    return 0;
}

static int make_room(struct journal_writer *w, uint64_t end)
{
    if (end <= w->clean)
        return 0;
    int r = end <= w->allocated ? 0 : extend(w, end);
    return r >= 0 && w->clean > 0 ? make_clean(w, end) : r;
}

int writer_object_new(struct journal_writer *w, enum object_type type, uint64_t size,
                      uint64_t *ret_offset)
{
    uint64_t at = w->end;
    int r = make_room(w, align8(at + size));

    if (r < 0)
        return r;
    struct object *o = (struct object *) (w->map + at);
    *o = (struct object){ .type = (uint8_t) type, .size = size };
    w->end = align8(at + size);
    *ret_offset = at;
    return 0;
}

void writer_object_done(struct journal_writer *w, uint64_t offset)
{
    publish();
    header(w)->tail_object_offset = offset;
    header(w)->n_objects++;
}

static uint64_t hash_of(const struct journal_writer *w, const void *data, size_t n)
{
    return siphash24(data, n, header(w)->file_id.bytes);
}

/* ---- fields ---- */

static struct hash_item *bucket(struct journal_writer *w, uint64_t table, uint64_t size,
                                uint64_t hash)
{
    return (struct hash_item *) (w->map + table) + hash % (size / sizeof(struct hash_item));
}

/* Puts an object at the end of its chain. */
static void chain_add(struct journal_writer *w, struct hash_item *b, uint64_t offset,
                      size_t next_member)
{
    publish();
    if (b->tail_hash_offset == 0)
        b->head_hash_offset = offset;
    else
        *(uint64_t *) (w->map + b->tail_hash_offset + next_member) = offset;
    b->tail_hash_offset = offset;
}

static int field_get_or_add(struct journal_writer *w, const char *name, size_t n, uint64_t *ret)
{
    struct journal_header *h = header(w);
    uint64_t hash = hash_of(w, name, n), depth = 0, at;
    struct hash_item *b = bucket(w, h->field_hash_table_offset, h->field_hash_table_size, hash);

    for (at = b->head_hash_offset; at != 0; depth++) {
        const struct field_object *o = (const struct field_object *) (w->map + at);

        if (o->hash == hash && o->head.size - sizeof *o == n && memcmp(o->payload, name, n) == 0) {
            *ret = at;
            return 0;
        }
        at = o->next_hash_offset;
    }
    int r = writer_object_new(w, OBJECT_FIELD, sizeof(struct field_object) + n, &at);
    if (r < 0)
        return r;
    struct field_object *o = (struct field_object *) (w->map + at);
    o->hash = hash;
    o->next_hash_offset = o->head_data_offset = 0;
    memcpy(o->payload, name, n);
    writer_object_done(w, at);
    chain_add(w, b, at, offsetof(struct field_object, next_hash_offset));
    h->n_fields++;
    h->field_hash_chain_depth = MAX(h->field_hash_chain_depth, depth);
    *ret = at;
    return 0;
}

static size_t payload_at(const struct journal_writer *w)
{
    return w->options.compact ? DATA_PAYLOAD_COMPACT : DATA_PAYLOAD_REGULAR;
}

static bool data_is(const struct journal_writer *w, const struct data_object *d, uint64_t hash,
                    const void *payload, size_t n)
{
    if (d->hash != hash)
        return false;
    size_t have = d->head.size - payload_at(w);
    if (!(d->head.flags & OBJECT_COMPRESSED))
        return have == n && memcmp((const uint8_t *) d + payload_at(w), payload, n) == 0;
    auto_free uint8_t *unpacked = NULL;
    size_t allocated = 0, unpacked_n;
    return decompress(COMPRESSION_ZSTD, (const uint8_t *) d + payload_at(w), have, n, &unpacked,
                      &allocated, &unpacked_n) >= 0 &&
           unpacked_n == n && memcmp(unpacked, payload, n) == 0;
}

/* Compressed where that is smaller; *payload and *n are what is to be stored then. */
static uint8_t pack(struct journal_writer *w, const void **payload, size_t *n)
{
    if (*n < w->options.compress_threshold || !grow(&w->packed, &w->packed_allocated, *n))
        return 0;
    long k = compress_zstd(*payload, *n, w->packed, *n - 1);
    if (k <= 0)
        return 0;
    *payload = w->packed;
    *n = (size_t) k;
    return OBJECT_ZSTD;
}

static int data_add(struct journal_writer *w, uint64_t hash, struct hash_item *b,
                    const void *payload, size_t n, uint64_t *ret)
{
    const char *equal = memchr(payload, '=', n);
    uint64_t field, at;

    if (!equal)
        return -EINVAL;
    int r = field_get_or_add(w, payload, (size_t) (equal - (const char *) payload), &field);
    if (r < 0)
        return r;
    uint8_t flags = pack(w, &payload, &n);
    r = writer_object_new(w, OBJECT_DATA, payload_at(w) + n, &at);
    if (r < 0)
        return r;
    struct data_object *d = (struct data_object *) (w->map + at);
    struct field_object *f = (struct field_object *) (w->map + field);
    d->head.flags = flags;
    d->hash = hash;
    d->next_hash_offset = 0;
    d->next_field_offset = f->head_data_offset;
    d->entry_offset = d->entry_array_offset = d->n_entries = 0;
    if (w->options.compact)
        d->tail_entry_array_offset = d->tail_entry_array_n_entries = 0;
    memcpy((uint8_t *) d + payload_at(w), payload, n);
    writer_object_done(w, at);
    chain_add(w, b, at, offsetof(struct data_object, next_hash_offset));
    f->head_data_offset = at;
    header(w)->n_data++;
    *ret = at;
    return 0;
}

static struct hash_item *data_bucket(struct journal_writer *w, uint64_t hash)
{
    return bucket(w, header(w)->data_hash_table_offset, header(w)->data_hash_table_size, hash);
}

/* Returns 1 where it was there, 0 where it was added. */
static int data_get_or_add(struct journal_writer *w, uint64_t hash, const void *payload, size_t n,
                           uint64_t *ret)
{
    struct journal_header *h = header(w);
    struct hash_item *b = data_bucket(w, hash);
    uint64_t depth = 0;

    for (uint64_t at = b->head_hash_offset; at != 0; depth++) {
        const struct data_object *d = (const struct data_object *) (w->map + at);

        if (data_is(w, d, hash, payload, n)) {
            *ret = at;
            return 1;
        }
        at = d->next_hash_offset;
    }
    h->data_hash_chain_depth = MAX(h->data_hash_chain_depth, depth);
    return data_add(w, hash, b, payload, n, ret);
}

/* ---- entry arrays ---- */

static size_t array_capacity(const struct journal_writer *w, uint64_t array)
{
    const struct object *o = (const struct object *) (w->map + array);

    return (o->size - ARRAY_ITEMS) >> (w->options.compact ? 2 : 3);
}

static void array_set(struct journal_writer *w, uint64_t array, size_t i, uint64_t offset)
{
    uint8_t *items = w->map + array + ARRAY_ITEMS;

    publish();
    if (w->options.compact)
        ((uint32_t *) items)[i] = (uint32_t) offset;
    else
        ((uint64_t *) items)[i] = offset;
}

static int array_new(struct journal_writer *w, size_t capacity, uint64_t *ret)
{
    uint64_t at, size = ARRAY_ITEMS + capacity * (w->options.compact ? 4 : 8);
    int r = writer_object_new(w, OBJECT_ENTRY_ARRAY, size, &at);

    if (r < 0)
        return r;
    /* The room is zero: the file is new there, and nothing was written that was not linked. */
    memset(w->map + at + sizeof(struct object), 0, size - sizeof(struct object));
    writer_object_done(w, at);
    header(w)->n_entry_arrays++;
    *ret = at;
    return 0;
}

struct tail writer_find_tail(const struct journal_writer *w, uint64_t data, uint64_t first,
                             uint64_t n)
{
    struct tail t = { .data = data, .array = first };

    while (t.array != 0 && n > array_capacity(w, t.array)) {
        const struct entry_array_object *a = (const struct entry_array_object *) (w->map + t.array);

        if (a->next_entry_array_offset == 0)
            break;
        n -= array_capacity(w, t.array);
        t.array = a->next_entry_array_offset;
    }
    t.n = n;
    return t;
}

/* As large as all before, so that a chain is short; long chains grow by an eighth, so that little
 * is left unused. */
static size_t next_capacity(const struct journal_writer *w, const struct tail *t, uint64_t total)
{
    if (t->array == 0)
        return ARRAY_FIRST;
    if (total < ARRAY_LARGE)
        return (size_t) MAX(array_capacity(w, t->array) * 2, total);
    return (size_t) MAX(total / 8, (uint64_t) ARRAY_LARGE);
}

/* What the next entry of the chain will take. */
static uint64_t next_array_size(const struct journal_writer *w, const struct tail *t,
                                uint64_t total, size_t unit)
{
    if (t->array != 0 && t->n < array_capacity(w, t->array))
        return 0;
    return align8(ARRAY_ITEMS + next_capacity(w, t, total) * unit);
}

/* Adds the entry at the end of a chain; *first is where its first array is told. */
static int chain_append(struct journal_writer *w, uint64_t *first, struct tail *t, uint64_t total,
                        uint64_t entry)
{
    if (t->array != 0 && t->n < array_capacity(w, t->array)) {
        array_set(w, t->array, t->n++, entry);
        return 0;
    }
    uint64_t at;
    int r = array_new(w, next_capacity(w, t, total), &at);
    if (r < 0)
        return r;
    array_set(w, at, 0, entry);
    publish();
    if (t->array == 0)
        *first = at;
    else
        ((struct entry_array_object *) (w->map + t->array))->next_entry_array_offset = at;
    t->array = at;
    t->n = 1;
    return 0;
}

static struct tail *tail_slot(struct journal_writer *w, uint64_t data)
{
    return &w->tails[(data >> 3) * 0x9e3779b97f4a7c15u >> 55];
}

/* Where the list of the data object's further entries ends. */
static struct tail data_tail(struct journal_writer *w, uint64_t data)
{
    const struct data_object *d = (const struct data_object *) (w->map + data);

    if (w->options.compact)
        return (struct tail){ data, d->tail_entry_array_offset, d->tail_entry_array_n_entries };
    struct tail *t = tail_slot(w, data);
    if (t->data != data)
        *t = writer_find_tail(w, data, d->entry_array_offset, d->n_entries - 1);
    return *t;
}

static int link_to_data(struct journal_writer *w, uint64_t data, uint64_t entry)
{
    struct data_object *d = (struct data_object *) (w->map + data);

    if (d->n_entries == 0) {
        d->entry_offset = entry;
        publish();
        d->n_entries = 1;
        return 0;
    }
    struct tail local = data_tail(w, data), *t = &local;
    if (!w->options.compact)
        t = tail_slot(w, data);
    int r = chain_append(w, &d->entry_array_offset, t, d->n_entries - 1, entry);
    if (r < 0)
        return r;
    if (w->options.compact) {
        d->tail_entry_array_offset = (uint32_t) t->array;
        d->tail_entry_array_n_entries = (uint32_t) t->n;
    }
    publish();
    d->n_entries++;
    return 0;
}

static int link_to_file(struct journal_writer *w, uint64_t entry)
{
    struct journal_header *h = header(w);
    int r = chain_append(w, &h->entry_array_offset, &w->main_tail, h->n_entries, entry);

    if (r < 0)
        return r;
    h->tail_entry_array_offset = w->main_tail.array <= UINT32_MAX ? (uint32_t) w->main_tail.array
                                                                  : 0;
    h->tail_entry_array_n_entries = (uint32_t) w->main_tail.n;
    publish();
    h->n_entries++;
    return 0;
}

/* ---- entries ---- */

static int compare_items(const void *a, const void *b)
{
    uint64_t x = ((const struct item *) a)->offset, y = ((const struct item *) b)->offset;

    return x < y ? -1 : x > y;
}

/* Few, and nearly sorted: fields that repeat are older than those that do not. */
static size_t sort_items(struct item *items, size_t n)
{
    if (n > 64) {
        qsort(items, n, sizeof *items, compare_items);
    } else {
        for (size_t i = 1; i < n; i++) {
            struct item x = items[i];
            size_t k = i;

            for (; k > 0 && items[k - 1].offset > x.offset; k--)
                items[k] = items[k - 1];
            items[k] = x;
        }
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || items[kept - 1].offset != items[i].offset)
            items[kept++] = items[i];
    }
    return kept;
}

/* Finds or writes each field of the group; remembers where. */
static int resolve_group(struct journal_writer *w, struct field_group *g)
{
    if (g->generation == w->generation)
        return 0;
    uint64_t *offsets = realloc(g->offsets, (g->n + 1) * 2 * sizeof *offsets);
    if (!offsets)
        return -ENOMEM;
    g->offsets = offsets;
    for (size_t i = 0; i < g->n; i++) {
        const char *payload = g->text + g->fields[i].at;
        size_t length = g->fields[i].length;
        int r = data_get_or_add(w, hash_of(w, payload, length), payload, length, &offsets[2 * i]);

        if (r < 0)
            return r;
        offsets[2 * i + 1] = journal_jenkins(payload, length);
    }
    g->generation = w->generation;
    return 0;
}

/* Most fields of programs repeat as well. Where such a one is is remembered by its ends, so that it
 * is compared and not hashed twice and looked up. */
static uint64_t ends_of(const struct iovec *f)
{
    uint64_t first = 0, last = 0;
    size_t n = MIN(f->iov_len, sizeof first);

    memcpy(&first, f->iov_base, n);
    memcpy(&last, (const uint8_t *) f->iov_base + f->iov_len - n, n);
    return first * 0x9e3779b97f4a7c15u ^ (last + f->iov_len) * 0xc2b2ae3d27d4eb4fu;
}

static struct recent *recent_slot(struct journal_writer *w, uint64_t ends)
{
    return &w->recent[ends >> 55];
}

static bool is_recent(const struct journal_writer *w, const struct recent *recent, uint64_t ends,
                      const struct iovec *f)
{
    const struct data_object *d = (const struct data_object *) (w->map + recent->item.offset);

    return recent->ends == ends && recent->item.offset != 0 &&
           !(d->head.flags & OBJECT_COMPRESSED) && d->head.size - payload_at(w) == f->iov_len &&
           memcmp((const uint8_t *) d + payload_at(w), f->iov_base, f->iov_len) == 0;
}

/* Looking up a field that is new misses the processor's caches twice, at its bucket and at the
 * object there. Waiting for all fields at once is shorter, and something else is done meanwhile:
 * this is the first step, the fields that are not known get no offset. */
static void find_recent(struct journal_writer *w, const struct iovec *fields, size_t n,
                        struct item *items)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t ends = ends_of(&fields[i]);
        const struct recent *recent = recent_slot(w, ends);

        if (is_recent(w, recent, ends, &fields[i])) {
            items[i] = recent->item;
            continue;
        }
        items[i] = (struct item){ .hash = hash_of(w, fields[i].iov_base, fields[i].iov_len) };
        __builtin_prefetch(data_bucket(w, items[i].hash), 1);
    }
}

static int find_others(struct journal_writer *w, const struct iovec *fields, size_t n,
                       struct item *items)
{
    for (size_t i = 0; i < n; i++) {
        if (items[i].offset == 0)
            __builtin_prefetch(w->map + data_bucket(w, items[i].hash)->head_hash_offset, 1);
    }
    for (size_t i = 0; i < n; i++) {
        const void *payload = fields[i].iov_base;
        size_t length = fields[i].iov_len;

        if (items[i].offset != 0)
            continue;
        int r = data_get_or_add(w, items[i].hash, payload, length, &items[i].offset);
        if (r < 0)
            return r;
        items[i].hash = journal_jenkins(payload, length);
        if (r > 0) {
            uint64_t ends = ends_of(&fields[i]);

            *recent_slot(w, ends) = (struct recent){ ends, items[i] };
        }
    }
    return 0;
}

/* The rightful jenkins hashes, for xor_hash, are summed over the items that remain. */
static int collect_items(struct journal_writer *w, struct field_group *const *groups,
                         size_t n_groups, const struct iovec *fields, size_t n_fields, size_t *ret)
{
    size_t n = 0, n_grouped = 0;

    for (size_t i = 0; i < n_groups; i++)
        n_grouped += groups[i]->n;
    if (!grow(&w->items, &w->items_allocated, n_grouped + n_fields))
        return -ENOMEM;
    find_recent(w, fields, n_fields, w->items + n_grouped);
    for (size_t i = 0; i < n_groups; i++) {
        struct field_group *g = groups[i];
        int r = resolve_group(w, g);

        if (r < 0)
            return r;
        for (size_t k = 0; k < g->n; k++) {
            w->items[n++] = (struct item){ g->offsets[2 * k], g->offsets[2 * k + 1] };
            __builtin_prefetch(w->map + g->offsets[2 * k], 1);
        }
    }
    int r = find_others(w, fields, n_fields, w->items + n_grouped);
    if (r < 0)
        return r;
    *ret = sort_items(w->items, n_grouped + n_fields);
    return *ret > 0 ? 0 : -EINVAL;
}

/* The room that the entry and all of its links need is made first: once the entry is there nothing
 * can fail. */
static int room_for_entry(struct journal_writer *w, size_t n)
{
    size_t unit = w->options.compact ? 4 : 8;
    uint64_t need = align8(ENTRY_ITEMS + n * (w->options.compact ? 4 : 16));

    need += next_array_size(w, &w->main_tail, header(w)->n_entries, unit);
    for (size_t i = 0; i < n; i++) {
        const struct data_object *d = (const struct data_object *) (w->map + w->items[i].offset);
        struct tail t;

        if (d->n_entries == 0)
            continue;
        t = data_tail(w, w->items[i].offset);
        need += next_array_size(w, &t, d->n_entries - 1, unit);
    }
    return make_room(w, w->end + need);
}

static int entry_new(struct journal_writer *w, const struct dual_time *time, size_t n,
                     uint64_t *ret)
{
    uint64_t at, xor = 0;
    int r = writer_object_new(w, OBJECT_ENTRY, ENTRY_ITEMS + n * (w->options.compact ? 4 : 16),
                              &at);

    if (r < 0)
        return r;
    uint8_t *items = w->map + at + ENTRY_ITEMS;
    for (size_t i = 0; i < n; i++) {
        const struct item *item = &w->items[i];

        xor ^= item->hash;
        if (w->options.compact) {
            ((uint32_t *) items)[i] = (uint32_t) item->offset;
        } else {
            ((uint64_t *) items)[2 * i] = item->offset;
            ((uint64_t *)
                 items)[2 * i + 1] = ((const struct data_object *) (w->map + item->offset))->hash;
        }
    }
    struct entry_object *e = (struct entry_object *) (w->map + at);
    e->seqnum = w->next_seqnum;
    e->realtime = time->realtime;
    e->monotonic = time->monotonic;
    e->boot_id = w->options.boot;
    e->xor_hash = xor;
    writer_object_done(w, at);
    *ret = at;
    return 0;
}

static bool is_full(const struct journal_writer *w)
{
    const struct journal_header *h = header(w);

    return h->n_data * 4 > h->data_hash_table_size / sizeof(struct hash_item) * 3 ||
           h->n_fields * 4 > h->field_hash_table_size / sizeof(struct hash_item) * 3 ||
           h->data_hash_chain_depth > CHAIN_DEPTH_MAX;
}

int journal_writer_append(struct journal_writer *w, const struct dual_time *time,
                          struct field_group *const *groups, size_t n_groups,
                          const struct iovec *fields, size_t n_fields)
{
    struct journal_header *h = header(w);
    size_t n;
    uint64_t entry;

    if (is_full(w))
        return -E2BIG;
    int r = collect_items(w, groups, n_groups, fields, n_fields, &n);
    if (r >= 0)
        r = room_for_entry(w, n);
    if (r >= 0)
        r = entry_new(w, time, n, &entry);
    if (r >= 0)
        r = link_to_file(w, entry);
    if (r < 0)
        return r;
    if (h->head_entry_seqnum == 0) {
        h->head_entry_seqnum = w->next_seqnum;
        h->head_entry_realtime = time->realtime;
    }
    h->tail_entry_seqnum = w->next_seqnum++;
    h->tail_entry_realtime = time->realtime;
    h->tail_entry_monotonic = time->monotonic;
    h->tail_entry_boot_id = w->options.boot;
    h->tail_entry_offset = entry;
    for (size_t i = 0; i < n && r >= 0; i++)
        r = link_to_data(w, w->items[i].offset, entry);
    return r;
}

void journal_writer_notify(struct journal_writer *w)
{
    (void) ftruncate(w->fd, (off_t) w->allocated);
}
