/* Entries of a damaged file that its lists do not lead to any more. A list is a chain of arrays,
 * each of which one bit can cut off; the entries are there, and are known by what they consist of.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "journal/file-read.h"

#define ITEMS_MAX 4096 /* more has no entry */

/* Whether an object may begin here, whatever its kind. */
static bool may_be_object(const struct journal_file *f, uint64_t at)
{
    if (at > f->size || f->size - at < sizeof(struct object))
        return false;
    const struct object *o = (const struct object *) (f->map + at);
    for (size_t i = 0; i < sizeof o->reserved; i++) {
        if (o->reserved[i])
            return false;
    }
    return o->type > OBJECT_UNUSED && o->type < OBJECT_TYPE_MAX && o->size >= sizeof *o &&
           o->size <= f->size - at;
}

/* An entry all of whose fields are there. */
static bool is_entry(const struct journal_file *f, uint64_t at)
{
    const struct entry_object *e = journal_entry(f, at);

    if (!e || e->seqnum == 0 || id128_is_null(e->boot_id))
        return false;
    size_t n = journal_entry_n_items(f, e);
    if (n == 0 || n > ITEMS_MAX)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!journal_object(f, journal_entry_item(f, e, i), OBJECT_DATA))
            return false;
    }
    return true;
}

/* Where to look next: behind the object, if it and what follows it are sound; else in every place.
 */
static uint64_t next_place(const struct journal_file *f, uint64_t at)
{
    if (!may_be_object(f, at))
        return at + 8;
    uint64_t next = align8(at + ((const struct object *) (f->map + at))->size);

    return next >= f->size || may_be_object(f, next) ? next : at + 8;
}

static int list_add(struct entry_list *l, uint64_t entry)
{
    if (!grow(&l->found, &l->found_allocated, l->n_found + 1))
        return -ENOMEM;
    l->found[l->n_found++] = entry;
    l->n++;
    return 0;
}

static int salvage_file(struct entry_list *l, const struct journal_file *f)
{
    l->first = 0;
    l->n = l->n_pieces = l->n_found = l->hint = 0;
    for (uint64_t at = JOURNAL_HEADER_MIN; at < f->size; at = next_place(f, at)) {
        if (is_entry(f, at) && list_add(l, at) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* All entries that have the data object. */
static int salvage_data(struct entry_list *l, const struct journal_file *f, uint64_t data)
{
    struct entry_list all = { 0 };
    int r = entry_list_salvage(&all, f, 0);

    l->first = 0;
    l->n = l->n_pieces = l->n_found = l->hint = 0;
    for (size_t i = 0; r >= 0 && i < all.n; i++) {
        uint64_t at = entry_list_get(&all, f, i);
        const struct entry_object *e = journal_entry(f, at);
        size_t n = e ? journal_entry_n_items(f, e) : 0, k = 0;

        while (k < n && journal_entry_item(f, e, k) != data)
            k++;
        if (k < n)
            r = list_add(l, at);
    }
    entry_list_done(&all);
    return r;
}

/* A closed file tells by its numbers, too, whether the list is whole. */
static bool lacks_entries(struct entry_list *l, const struct journal_file *f)
{
    const struct journal_header *h = journal_header(f);
    const struct entry_object *e = l->n > 0 ? journal_entry(f, entry_list_get(l, f, l->n - 1))
                                            : NULL;

    return h->state != STATE_ONLINE &&
           (l->n < h->n_entries || h->tail_entry_seqnum > (e ? e->seqnum : 0));
}

int entry_list_salvage(struct entry_list *l, const struct journal_file *f, uint64_t data_offset)
{
    int r = entry_list_load(l, f, data_offset);

    if (r == -ENOMEM || (data_offset != 0 && !journal_object(f, data_offset, OBJECT_DATA)))
        return r;
    if (r != -EBADMSG && (data_offset != 0 || !lacks_entries(l, f)))
        return r;
    return data_offset == 0 ? salvage_file(l, f) : salvage_data(l, f, data_offset);
}
