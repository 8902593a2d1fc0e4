#include "journal/salvage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#define ITEMS_MAX 2048 /* more has no entry */
#define SAMPLE 64      /* fields that the file's kind is worked out from */
#define FIELD_NAME_MAX 64

struct found {
    uint64_t *at;
    size_t n, allocated;
};

struct by_hash {
    uint64_t hash, at;
};

struct salvage {
    struct found entries, data, fields;
    struct by_hash *index; /* of the first n_index of `data` */
    size_t n_index;
    uint64_t end; /* of the last sound object */
    bool known;   /* the kind was worked out */
    bool hashes;  /* and so was how fields are hashed: what has not its hash is damaged */
    /* Bytes hashed in vain: a hostile file has objects within objects, and is not hashed for ever.
     */
    uint64_t wasted;
};

void journal_file_damaged(struct journal_file *f, uint64_t offset, const char *what)
{
    if (f->damaged)
        return;
    f->damaged = true;
    f->damage_at = offset;
    f->damage = what;
}

void journal_file_salvage_done(struct journal_file *f)
{
    struct salvage *s = f->salvage;

    if (!s)
        return;
    free(s->entries.at);
    free(s->data.at);
    free(s->fields.at);
    free(s->index);
    free(s);
    f->salvage = NULL;
}

/* ---- of what kind it is ---- */

/* Whether an object may begin here, whatever its kind. */
static bool may_be_object(const struct journal_file *f, uint64_t at)
{
    if (at > f->size || f->size - at < sizeof(struct object))
        return false;
    const struct object *o = (const struct object *) (f->map + at);
    static const uint8_t zeros[sizeof o->reserved];
    return o->type > OBJECT_UNUSED && o->type < OBJECT_TYPE_MAX &&
           memcmp(o->reserved, zeros, sizeof zeros) == 0 && o->size >= sizeof *o &&
           o->size <= f->size - at;
}

/* Whether "NAME=" is at the beginning. */
static bool is_named(const uint8_t *p, size_t n)
{
    size_t i = 0;

    while (i < n && i <= FIELD_NAME_MAX &&
           (p[i] == '_' || (p[i] >= 'A' && p[i] <= 'Z') || (i > 0 && p[i] >= '0' && p[i] <= '9')))
        i++;
    return i > 0 && i < n && p[i] == '=';
}

static bool has_hash(struct journal_file *f, uint64_t at, bool keyed)
{
    const struct data_object *d = (const struct data_object *) (f->map + at);
    size_t header = journal_data_header_size(f);

    f->keyed = keyed;
    return journal_hash(f, (const uint8_t *) d + header, d->head.size - header) == d->hash;
}

/* Compact or not, keyed or not: what the first fields look like, in the end what the header says.
 */
static void work_out_kind(struct journal_file *f, struct salvage *s)
{
    uint64_t sample[2][SAMPLE];
    size_t n[2] = { 0 }, hashed[2] = { 0 };
    bool keyed = f->keyed;

    for (uint64_t at = JOURNAL_HEADER_MIN; n[0] < SAMPLE && n[1] < SAMPLE && at < f->size;
         at += 8) {
        const struct object *o = (const struct object *) (f->map + at);

        if (!may_be_object(f, at) || o->type != OBJECT_DATA || (o->flags & OBJECT_COMPRESSED))
            continue;
        for (int compact = 0; compact < 2; compact++) {
            size_t header = compact ? DATA_PAYLOAD_COMPACT : DATA_PAYLOAD_REGULAR;

            if (o->size > header && is_named(f->map + at + header, o->size - header)) {
                sample[compact][n[compact]++] = at;
                break;
            }
        }
    }
    if (n[0] != n[1])
        f->compact = n[1] > n[0];
    for (size_t i = 0; i < n[f->compact]; i++)
        for (int with_key = 0; with_key < 2; with_key++)
            hashed[with_key] += has_hash(f, sample[f->compact][i], with_key);
    f->keyed = hashed[0] == hashed[1] ? keyed : hashed[1] > hashed[0];
    s->hashes = hashed[f->keyed] > 0;
    s->known = true;
}

/* ---- whether an object is what it says ---- */

static size_t count_fields(const struct journal_file *f, const struct entry_object *e)
{
    size_t n = journal_entry_n_items(f, e), there = 0;

    for (size_t i = 0; i < n; i++)
        there += journal_object(f, journal_entry_item(f, e, i), OBJECT_DATA) != NULL;
    return there;
}

/* One may lack fields that are damaged, but not the most of them. */
static bool is_entry(const struct journal_file *f, uint64_t at, bool *ret_whole)
{
    const struct entry_object *e = journal_entry(f, at);

    *ret_whole = false;
    if (!e || e->seqnum == 0 || id128_is_null(e->boot_id))
        return false;
    size_t n = journal_entry_n_items(f, e);
    if (n == 0 || n > ITEMS_MAX)
        return false;
    size_t there = count_fields(f, e);
    *ret_whole = there == n && (e->head.size - ENTRY_ITEMS) % (f->compact ? 4 : 16) == 0;
    return there * 2 > n;
}

static bool data_is_whole(struct journal_file *f, struct salvage *s, uint64_t at)
{
    const struct data_object *d = (const struct data_object *) (f->map + at);
    const char *payload;
    size_t n;

    if (!s->hashes || s->wasted > 4 * f->size || journal_data(f, at, &payload, &n) < 0)
        return false;
    if (journal_hash(f, payload, n) == d->hash)
        return true;
    s->wasted += n;
    return false;
}

static bool field_is_whole(const struct journal_file *f, const struct salvage *s,
                           const struct field_object *o)
{
    return !s->hashes || journal_hash(f, o->payload, o->head.size - sizeof *o) == o->hash;
}

/* Offsets that go up, and zeros behind them. */
static bool array_is_whole(const struct journal_file *f, uint64_t at, const struct object *o)
{
    size_t unit = f->compact ? 4 : 8;
    uint64_t before = 0;
    bool over = false;

    for (size_t i = 0, n = (o->size - ARRAY_ITEMS) / unit; i < n; i++) {
        uint64_t item = journal_array_item(f, at, i);

        if (item == 0) {
            over = true;
            continue;
        }
        if (over || item % 8 != 0 || item <= before || item >= f->size)
            return false;
        before = item;
    }
    return true;
}

static bool table_is_whole(const struct journal_file *f, const struct object *o)
{
    const uint64_t *items = (const uint64_t *) (o + 1);

    for (size_t i = 0; i < (o->size - sizeof *o) / sizeof *items; i++) {
        if (items[i] % 8 != 0 || items[i] >= f->size)
            return false;
    }
    return true;
}

static bool add(struct found *list, uint64_t at)
{
    /* What was looked at again, since it was not whole the last time. */
    if (list->n > 0 && list->at[list->n - 1] >= at)
        return true;
    if (!grow(&list->at, &list->allocated, list->n + 1))
        return false;
    list->at[list->n++] = at;
    return true;
}

/* Notes what is there. Returns 1 where it is whole, so that its size can be believed, 0, or
 * -ENOMEM.
 */
static int look_at(struct journal_file *f, struct salvage *s, uint64_t at)
{
    const struct object *o = (const struct object *) (f->map + at);
    bool whole = false, kept = true;

    if (!may_be_object(f, at) || !journal_object(f, at, o->type))
        return 0;
    switch ((enum object_type) o->type) {
    case OBJECT_DATA:
        whole = data_is_whole(f, s, at);
        kept = add(&s->data, at);
        break;
    case OBJECT_FIELD:
        whole = field_is_whole(f, s, (const struct field_object *) o);
        kept = !whole || add(&s->fields, at);
        break;
    case OBJECT_ENTRY:
        if (is_entry(f, at, &whole))
            kept = add(&s->entries, at);
        break;
    case OBJECT_ENTRY_ARRAY:
        whole = array_is_whole(f, at, o);
        break;
    case OBJECT_DATA_HASH_TABLE:
    case OBJECT_FIELD_HASH_TABLE:
        whole = table_is_whole(f, o);
        break;
    case OBJECT_TAG:
    case OBJECT_UNUSED:
    case OBJECT_TYPE_MAX:
        whole = o->size == 64;
        break;
    }
    return kept ? whole : -ENOMEM;
}

int journal_file_salvage(struct journal_file *f, const uint64_t **ret, size_t *ret_n)
{
    struct salvage *s = f->salvage;

    if (!s) {
        s = f->salvage = new0(struct salvage, 1);
        if (!s)
            return -ENOMEM;
        s->end = JOURNAL_HEADER_MIN;
    }
    if (!s->known)
        work_out_kind(f, s);
    for (uint64_t at = s->end; at < f->size && f->size - at >= sizeof(struct object);) {
        int r = f->map[at] == OBJECT_UNUSED ? 0 : look_at(f, s, at);

        if (r < 0)
            return r;
        at += r > 0 ? align8(((const struct object *) (f->map + at))->size) : 8;
        if (r > 0)
            s->end = at;
    }
    *ret = s->entries.at;
    *ret_n = s->entries.n;
    return 0;
}

/* ---- fields ---- */

static int compare_hashes(const void *a, const void *b)
{
    const struct by_hash *x = a, *y = b;

    return x->hash != y->hash ? (x->hash < y->hash ? -1 : 1) : x->at < y->at ? -1 : x->at > y->at;
}

/* By the hashes of what they are, which are not always those that they say. */
static int index_data(struct journal_file *f, struct salvage *s)
{
    if (s->n_index == s->data.n)
        return 0;
    uint64_t left = 64 * f->size; /* to be hashed: see `wasted` */
    struct by_hash *index = realloc(s->index, s->data.n * sizeof *index);
    if (!index)
        return -ENOMEM;
    s->index = index;
    for (size_t i = 0; i < s->data.n; i++) {
        const char *payload = "";
        size_t n = 0;

        if (left > 0)
            (void) journal_data(f, s->data.at[i], &payload, &n);
        left -= MIN(left, n);
        index[i] = (struct by_hash){ journal_hash(f, payload, n), s->data.at[i] };
    }
    qsort(index, s->data.n, sizeof *index, compare_hashes);
    s->n_index = s->data.n;
    return 0;
}

static int prepare(struct journal_file *f)
{
    const uint64_t *entries;
    size_t n;

    return f->salvage ? 0 : journal_file_salvage(f, &entries, &n);
}

int salvage_find_data(struct journal_file *f, const void *payload, size_t n, uint64_t **ret,
                      size_t *ret_n)
{
    auto_free uint64_t *list = NULL;
    size_t allocated = 0, low = 0, n_list = 0;
    int r = prepare(f);

    if (r >= 0)
        r = index_data(f, f->salvage);
    if (r < 0)
        return r;
    const struct salvage *s = f->salvage;
    uint64_t hash = journal_hash(f, payload, n);
    for (size_t high = s->n_index; low < high;) {
        size_t middle = low + (high - low) / 2;

        if (s->index[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < s->n_index && s->index[low].hash == hash; low++) {
        const char *have;
        size_t have_n;

        if (journal_data(f, s->index[low].at, &have, &have_n) < 0 || have_n != n ||
            memcmp(have, payload, n) != 0)
            continue;
        if (!grow(&list, &allocated, n_list + 1))
            return -ENOMEM;
        list[n_list++] = s->index[low].at;
    }
    *ret = take_ptr(list);
    *ret_n = n_list;
    return 0;
}

int salvage_list_data(struct journal_file *f, const char *name, size_t n, uint64_t **ret,
                      size_t *ret_n)
{
    size_t n_list = 0;
    int r = prepare(f);

    if (r < 0)
        return r;
    auto_free uint64_t *list = malloc((f->salvage->data.n + 1) * sizeof *list);
    if (!list)
        return -ENOMEM;
    for (size_t i = f->salvage->data.n; i-- > 0;) {
        const char *payload;
        size_t size;

        if (journal_data(f, f->salvage->data.at[i], &payload, &size) >= 0 && size > n &&
            payload[n] == '=' && memcmp(payload, name, n) == 0)
            list[n_list++] = f->salvage->data.at[i];
    }
    *ret = take_ptr(list);
    *ret_n = n_list;
    return 0;
}

int salvage_list_fields(struct journal_file *f, uint64_t **ret, size_t *ret_n)
{
    int r = prepare(f);

    if (r < 0)
        return r;
    const struct found *fields = &f->salvage->fields;
    uint64_t *list = malloc((fields->n + 1) * sizeof *list);
    if (!list)
        return -ENOMEM;
    if (fields->n > 0)
        memcpy(list, fields->at, fields->n * sizeof *list);
    *ret = list;
    *ret_n = fields->n;
    return 0;
}
