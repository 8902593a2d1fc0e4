#include "journal/entry-list.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "journal/salvage.h"

#define TRIES 20

void entry_list_done(struct entry_list *l)
{
    free(l->pieces);
    free(l->found);
    *l = (struct entry_list){ 0 };
}

static void list_clear(struct entry_list *l, uint64_t data)
{
    l->data = data;
    l->first = 0;
    l->n = l->n_pieces = l->hint = l->sound_from = l->sound_to = 0;
    l->salvaged = false;
}

static size_t array_n_items(const struct journal_file *f, const struct object *o)
{
    return (o->size - ARRAY_ITEMS) / (f->compact ? 4 : 8);
}

/* ---- the arrays ---- */

/* Of the last array all that is not zero: a counter may have been damaged, or be older. */
static size_t last_items(const struct journal_file *f, uint64_t array, size_t capacity,
                         uint64_t counted)
{
    size_t n = counted < capacity ? (size_t) counted : capacity;

    while (n > 0 && journal_array_item(f, array, n - 1) == 0)
        n--;
    while (n < capacity && journal_array_item(f, array, n) != 0)
        n++;
    return n;
}

/* Goes from array to array. Returns what is wrong with them, or NULL; -ENOMEM in *ret. */
static const char *load_arrays(struct entry_list *l, const struct journal_file *f, uint64_t array,
                               uint64_t n, int *ret)
{
    uint64_t before = 0;

    while (array != 0) {
        const struct object *o = journal_object(f, array, OBJECT_ENTRY_ARRAY);

        if (!o || array <= before)
            return "list of entries leads nowhere";
        uint64_t next = ((const struct entry_array_object *) o)->next_entry_array_offset;
        size_t capacity = array_n_items(f, o);
        if (capacity == 0 || (next != 0 && (next <= array || next - array < o->size)))
            return "array of entries of a wrong size";
        if (!grow(&l->pieces, &l->allocated, l->n_pieces + 1)) {
            *ret = -ENOMEM;
            return NULL;
        }
        /* One that is followed by another is full. */
        size_t have = next != 0 ? capacity
                                : last_items(f, array, capacity, n > l->n ? n - l->n : 0);
        l->pieces[l->n_pieces++] = (struct entry_piece){ array, l->n, have };
        l->n += have;
        before = array;
        array = next;
    }
    return NULL;
}

/* Whether the list is as long as it was counted, before it was loaded and after. A writer counts an
 * entry after it has listed it. A file that was closed tells exactly, and its last entry, too; its
 * state is asked for last: it may just have been opened again. */
static bool is_complete(struct entry_list *l, const struct journal_file *f, uint64_t before,
                        const volatile uint64_t *counter)
{
    const volatile struct journal_header *h = journal_header(f);
    const struct entry_object *last = NULL;

    if (l->n < before)
        return false;
    if (l->data == 0 && l->n > 0)
        last = journal_entry(f, entry_list_get(l, f, l->n - 1));
    bool exact = l->n == before &&
                 (l->data != 0 || h->tail_entry_seqnum == (last ? last->seqnum : 0));
    return exact || (h->state == STATE_ONLINE && l->n <= *counter + 1);
}

/* Returns what is wrong, or NULL; -ENOMEM in *ret. */
static const char *load_once(struct entry_list *l, struct journal_file *f, uint64_t data, int *ret)
{
    const volatile uint64_t *counter = &journal_header(f)->n_entries;
    uint64_t array, n;

    list_clear(l, data);
    if (data == 0) {
        n = *counter;
        array = journal_header(f)->entry_array_offset;
    } else {
        const struct data_object *d = (const struct data_object *) journal_object(f, data,
                                                                                  OBJECT_DATA);

        if (!d)
            return "no field where one should be";
        counter = &d->n_entries;
        n = *counter;
        array = d->entry_array_offset;
        l->first = d->entry_offset;
        l->n = l->first != 0;
    }
    if (data != 0 && l->first == 0 && array != 0)
        return "field has a list of entries and no first one";
    const char *wrong = load_arrays(l, f, array, n, ret);
    return wrong || *ret < 0 || is_complete(l, f, n, counter)
               ? wrong
               : "list of entries is not as long as it says";
}

/* What is written at this moment, by a writer that may make the file larger, is looked at again. */
static int load(struct entry_list *l, struct journal_file *f, uint64_t data)
{
    const char *wrong = NULL;
    int r = 0;

    for (int i = 0; i <= TRIES && (wrong = load_once(l, f, data, &r)); i++) {
        sched_yield();
        (void) journal_file_refresh(f);
    }
    if (wrong)
        journal_file_damaged(f, data, wrong);
    return r;
}

/* ---- of a damaged file ---- */

static bool has_one_of(const struct journal_file *f, uint64_t entry, const uint64_t *data, size_t n)
{
    const struct entry_object *e = journal_entry(f, entry);

    for (size_t i = 0; e && i < n; i++) {
        if (journal_entry_has(f, e, data[i]))
            return true;
    }
    return false;
}

/* All entries, or those that have one of the data objects. */
static int from_salvage(struct entry_list *l, struct journal_file *f, const uint64_t *data,
                        size_t n_data, bool all)
{
    size_t n;
    const uint64_t *entries;
    int r = journal_file_salvage(f, &entries, &n);

    list_clear(l, 0);
    l->salvaged = true;
    if (r < 0 || n == 0)
        return r;
    if (!grow(&l->found, &l->found_allocated, n))
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (all || has_one_of(f, entries[i], data, n_data))
            l->found[l->n++] = entries[i];
    }
    return 0;
}

int entry_list_load(struct entry_list *l, struct journal_file *f)
{
    int r = f->damaged ? 0 : load(l, f, 0);

    return r >= 0 && f->damaged ? from_salvage(l, f, NULL, 0, true) : r;
}

int entry_list_load_data(struct entry_list *l, struct journal_file *f, uint64_t data)
{
    int r = f->damaged ? 0 : load(l, f, data);

    return r >= 0 && f->damaged ? from_salvage(l, f, &data, 1, false) : r;
}

int entry_list_load_value(struct entry_list *l, struct journal_file *f, const char *text, size_t n)
{
    uint64_t data = journal_find_data(f, text, n);

    if (!f->damaged && data != 0)
        return entry_list_load_data(l, f, data);
    list_clear(l, 0);
    if (!f->damaged)
        return 0;
    auto_free uint64_t *same = NULL;
    size_t n_same;
    int r = salvage_find_data(f, text, n, &same, &n_same);
    return r < 0 ? r : from_salvage(l, f, same, n_same, false);
}

/* ---- one item ---- */

static const struct entry_piece *piece_of(struct entry_list *l, size_t i)
{
    const struct entry_piece *p;

    if (l->hint < l->n_pieces) {
        p = &l->pieces[l->hint];
        if (i >= p->begin && i - p->begin < p->n)
            return p;
    }
    size_t low = 0, high = l->n_pieces;
    while (low < high) {
        size_t middle = (low + high) / 2;

        p = &l->pieces[middle];
        if (i < p->begin) {
            high = middle;
        } else if (i - p->begin >= p->n) {
            low = middle + 1;
        } else {
            l->hint = middle;
            return p;
        }
    }
    return NULL;
}

uint64_t entry_list_get(struct entry_list *l, const struct journal_file *f, size_t i)
{
    if (i >= l->n)
        return 0;
    if (l->salvaged)
        return l->found[i];
    if (i == 0 && l->first != 0)
        return l->first;
    const struct entry_piece *p = piece_of(l, i);
    return p ? journal_array_item(f, p->offset, i - p->begin) : 0;
}

size_t entry_list_seek(struct entry_list *l, const struct journal_file *f, uint64_t offset,
                       size_t from)
{
    size_t low = from, high, step = 1;

    /* Near by most of the time: in growing steps first. */
    for (high = low; high < l->n && entry_list_get(l, f, high) < offset; step *= 2) {
        low = high + 1;
        high = step > l->n - high ? l->n : high + step;
    }
    high = MIN(high, l->n);
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (entry_list_get(l, f, middle) < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- whether it is right ---- */

static bool item_fits(struct entry_list *l, const struct journal_file *f, size_t i)
{
    uint64_t at = entry_list_get(l, f, i);
    const struct entry_object *e = journal_entry(f, at);

    return e && (l->data == 0 || journal_entry_has(f, e, l->data)) &&
           (i == 0 || entry_list_get(l, f, i - 1) < at) &&
           (i + 1 >= l->n || entry_list_get(l, f, i + 1) > at);
}

static bool item_is_sound(struct entry_list *l, struct journal_file *f, size_t i)
{
    /* It may be in what the file has grown by. */
    bool sound = item_fits(l, f, i) || (journal_file_refresh(f) > 0 && item_fits(l, f, i));

    if (!sound)
        journal_file_damaged(f, l->data, "list of entries has what does not belong there");
    return sound;
}

/* A search that one wrong item misled ends beside it: all others that it asked have said the truth.
 */
bool entry_list_check(struct entry_list *l, struct journal_file *f, size_t i)
{
    if (l->salvaged)
        return true;
    if (f->damaged)
        return false; /* since it was loaded */
    if (i > l->n)
        i = l->n;
    if (i >= l->sound_from && i < l->sound_to)
        return true;
    bool next = i == l->sound_to && l->sound_to > 0, before = i + 1 == l->sound_from;
    if (!next && !before) {
        if (i > 0 && !item_is_sound(l, f, i - 1))
            return false;
        l->sound_from = i > 0 ? i - 1 : 0;
        l->sound_to = i;
    }
    if (i == l->n)
        return true;
    if (!item_is_sound(l, f, i))
        return false;
    if (before)
        l->sound_from = i;
    else
        l->sound_to = i + 1;
    return true;
}
