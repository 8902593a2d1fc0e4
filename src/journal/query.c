#include "journal/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "journal/query-inside.h"
#include "journal/salvage.h"

struct journal *journal_new(void)
{
    return new0(struct journal, 1);
}

void reader_free(struct journal *j, struct reader *r)
{
    if (r->states)
        match_states_free(r->states, j->n_nodes);
    entry_list_done(&r->all);
    journal_file_close(r->file);
    free(r);
}

void journal_on_damage(struct journal *j, journal_problem problem, void *userdata)
{
    j->problem = problem;
    j->problem_userdata = userdata;
}

void journal_free(struct journal *j)
{
    if (!j)
        return;
    for (size_t i = 0; i < j->n; i++)
        reader_free(j, j->readers[i]);
    for (size_t i = 0; i < j->n_folders; i++)
        free(j->folders[i].path);
    free(j->folders);
    free(j->readers);
    free(j->heap);
    free(j->later);
    match_free(j->match);
    free(j);
}

/* Where damage was found, all that was learned from the file is worth nothing: it is read by its
 * objects from now on. Returns true once. */
static bool reader_salvage(struct journal *j, struct reader *r)
{
    if (r->salvaged || !r->file->damaged)
        return false;
    r->salvaged = true;
    (void) entry_list_load(&r->all, r->file);
    match_states_reset(r->states, j->n_nodes);
    struct stat st;
    /* One that was deleted may have been emptied, too. */
    if (j->problem && fstat(r->file->fd, &st) >= 0 && st.st_nlink > 0)
        j->problem(r->file->path, -EUCLEAN, j->problem_userdata);
    return true;
}

/* Before anything but its header is looked at. A file that cannot be mapped has no entries. */
static void reader_list(struct journal *j, struct reader *r)
{
    if (r->listed || journal_file_map(r->file) < 0)
        return;
    if (!r->file->damaged)
        (void) entry_list_load(&r->all, r->file);
    r->listed = true;
    (void) reader_salvage(j, r);
}

/* ---- order ---- */

static int compare_numbers(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static struct position position_of(const struct reader *r)
{
    const struct entry_object *e = r->entry;

    return (struct position){
        .seqnum_id = journal_header(r->file)->seqnum_id,
        .boot = e->boot_id,
        .seqnum = e->seqnum,
        .monotonic = e->monotonic,
        .realtime = e->realtime,
        .xor_hash = e->xor_hash,
        .valid = true,
    };
}

static int compare_entries(const struct position *p, const struct reader *r)
{
    const struct entry_object *e = r->entry;
    int c;

    if (id128_equal(p->boot, e->boot_id) && p->monotonic == e->monotonic &&
        p->realtime == e->realtime && p->xor_hash == e->xor_hash && p->seqnum == e->seqnum &&
        id128_equal(p->seqnum_id, journal_header(r->file)->seqnum_id))
        return 0;
    if (id128_equal(p->seqnum_id, journal_header(r->file)->seqnum_id)) {
        c = compare_numbers(p->seqnum, e->seqnum);
        if (c != 0)
            return c;
    }
    if (id128_equal(p->boot, e->boot_id)) {
        c = compare_numbers(p->monotonic, e->monotonic);
        if (c != 0)
            return c;
    }
    c = compare_numbers(p->realtime, e->realtime);
    return c != 0 ? c : compare_numbers(p->xor_hash, e->xor_hash);
}

static bool comes_first(const struct journal *j, const struct reader *a, const struct reader *b)
{
    struct position p = position_of(a);
    int c = compare_entries(&p, b);

    return j->forward ? c < 0 : c > 0;
}

static void heap_down(struct journal *j, size_t i)
{
    for (;;) {
        size_t left = 2 * i + 1, best = i;

        if (left < j->n_heap && comes_first(j, j->heap[left], j->heap[best]))
            best = left;
        if (left + 1 < j->n_heap && comes_first(j, j->heap[left + 1], j->heap[best]))
            best = left + 1;
        if (best == i)
            return;
        struct reader *t = j->heap[i];
        j->heap[i] = j->heap[best];
        j->heap[best] = t;
        i = best;
    }
}

static void heap_build(struct journal *j)
{
    j->n_heap = 0;
    for (size_t i = 0; i < j->n; i++) {
        if (j->readers[i]->entry)
            j->heap[j->n_heap++] = j->readers[i];
    }
    for (size_t i = j->n_heap / 2; i-- > 0;)
        heap_down(j, i);
}

/* ---- one file ---- */

/* Goes on from the offset `from` or, where there is no match, from the index. */
static void reader_settle(struct journal *j, struct reader *r, uint64_t from, bool forward)
{
    struct match_view view = { r->file, &r->all, r->states };

    r->at = forward ? MATCH_END : 0;
    if (j->match)
        r->at = forward ? match_next(&view, j->match, from) : match_previous(&view, j->match, from);
    else if (r->index < r->all.n && entry_list_check(&r->all, r->file, r->index))
        r->at = entry_list_get(&r->all, r->file, r->index);
    r->entry = r->at != 0 && r->at != MATCH_END ? journal_entry(r->file, r->at) : NULL;
}

/* Goes to the first entry (backwards: the last) with this index or beyond. */
static void reader_go(struct journal *j, struct reader *r, size_t index, bool forward)
{
    r->index = index;
    r->entry = NULL;
    r->at = forward ? MATCH_END : 0;
    if (index < r->all.n)
        reader_settle(j, r, entry_list_get(&r->all, r->file, index), forward);
}

/* To what is behind an offset (backwards: before it). */
static void reader_go_beyond(struct journal *j, struct reader *r, uint64_t offset, bool forward)
{
    size_t index = forward ? entry_list_seek(&r->all, r->file, offset + 1, 0)
                           : entry_list_seek(&r->all, r->file, offset, 0) - 1;

    reader_go(j, r, index, forward);
}

static void reader_advance(struct journal *j, struct reader *r, bool forward)
{
    uint64_t at = r->at;

    r->index = forward ? r->index + 1 : r->index - 1; /* SIZE_MAX is past the end as well */
    reader_settle(j, r, forward ? at + 1 : at - 1, forward);
    if (reader_salvage(j, r))
        reader_go_beyond(j, r, at, forward);
}

/* The first index whose entry is not before the position; entries of a file are in order. */
typedef int (*compare_fn)(const struct reader *r, const struct entry_object *e, const void *key);

/* Whether the entry is before the key. One that is none says nothing. */
static bool is_before(struct reader *r, size_t i, compare_fn compare, const void *key)
{
    uint64_t at = entry_list_get(&r->all, r->file, i);
    const struct entry_object *e = journal_entry(r->file, at);

    if (!e && journal_file_refresh(r->file) > 0) /* it is in what the file has grown by */
        e = journal_entry(r->file, at);
    if (!e)
        journal_file_damaged(r->file, at, "list of entries leads to what is no entry");
    return e && compare(r, e, key) < 0;
}

static size_t reader_bisect(struct reader *r, compare_fn compare, const void *key)
{
    size_t low = 0, high = r->all.n;

    do {
        while (low < high) {
            size_t middle = low + (high - low) / 2;

            if (is_before(r, middle, compare, key))
                low = middle + 1;
            else
                high = middle;
        }
        /* An entry whose own numbers are damaged may have misled the search: it is the one before
         * then, and the one before that is right. */
        high = low - 2;
        if (low < 2 || is_before(r, high, compare, key))
            return low;
        low = 0;
    } while (true);
}

static int compare_realtime(const struct reader *r, const struct entry_object *e, const void *key)
{
    return compare_numbers(e->realtime, *(const usec_t *) key);
}

static int compare_position(const struct reader *r, const struct entry_object *e, const void *key)
{
    const struct position *p = key;
    struct reader at = { .file = r->file, .entry = e };

    return -compare_entries(p, &at);
}

static int compare_seqnum(const struct reader *r, const struct entry_object *e, const void *key)
{
    return compare_numbers(e->seqnum, *(const uint64_t *) key);
}

/* Entries of other boots are told by the wall clock, of which nothing is known: they are left. */
static size_t bisect_monotonic(struct reader *r, struct id128 boot, usec_t t)
{
    for (size_t i = 0; i < r->all.n; i++) {
        const struct entry_object *e = journal_entry(r->file, entry_list_get(&r->all, r->file, i));

        if (e && id128_equal(e->boot_id, boot) && e->monotonic >= t)
            return i;
    }
    return r->all.n;
}

static size_t seek_index(struct journal *j, struct reader *r)
{
    const struct journal_cursor *c = &j->seek_cursor;

    switch (j->seek) {
    case SEEK_HEAD:
        return 0;
    case SEEK_TAIL:
        return r->all.n;
    case SEEK_REALTIME:
        return reader_bisect(r, compare_realtime, &j->seek_time);
    case SEEK_MONOTONIC:
        return bisect_monotonic(r, c->boot, j->seek_time);
    case SEEK_CURSOR:
        if (c->has_seqnum && id128_equal(c->seqnum_id, journal_header(r->file)->seqnum_id))
            return reader_bisect(r, compare_seqnum, &c->seqnum);
        if (c->has_boot) {
            size_t i = bisect_monotonic(r, c->boot, c->monotonic);

            if (i < r->all.n)
                return i;
        }
        return c->has_realtime ? reader_bisect(r, compare_realtime, &c->realtime) : 0;
    case SEEK_NONE:
        break;
    }
    return j->position.valid ? reader_bisect(r, compare_position, &j->position) : 0;
}

/* Whether the entry is at the place that was sought, and not behind it. */
static bool seek_hits(const struct journal *j, const struct reader *r, const struct entry_object *e)
{
    const struct journal_cursor *c = &j->seek_cursor;

    if (j->seek == SEEK_REALTIME)
        return e->realtime == j->seek_time;
    if (j->seek != SEEK_CURSOR)
        return false;
    if (c->has_seqnum && id128_equal(c->seqnum_id, journal_header(r->file)->seqnum_id))
        return e->seqnum == c->seqnum;
    if (c->has_boot && id128_equal(c->boot, e->boot_id))
        return e->monotonic == c->monotonic;
    return c->has_realtime && e->realtime == c->realtime;
}

enum outlook { OUTLOOK_NOW, OUTLOOK_LATER, OUTLOOK_NEVER };

/* When entries of the file come, as far as its header tells. Of a file that was closed by its
 * writer, in which everything is behind that place, or nothing; one that grows still has a
 * beginning. */
static enum outlook reader_outlook(const struct journal *j, const struct reader *r, bool forward)
{
    const struct journal_header *h = journal_header(r->file);
    bool closed = h->state == STATE_ARCHIVED;
    bool before = false, behind = false; /* all of its entries are */

    if (r->file->damaged || h->n_entries == 0 || h->head_entry_seqnum == 0 ||
        (!closed && !forward) ||
        (closed && (h->head_entry_seqnum > h->tail_entry_seqnum ||
                    h->tail_entry_seqnum - h->head_entry_seqnum < h->n_entries - 1 ||
                    h->head_entry_realtime > h->tail_entry_realtime)))
        return OUTLOOK_NOW;
    switch (j->seek) {
    case SEEK_HEAD:
        behind = true;
        break;
    case SEEK_TAIL:
        before = true;
        break;
    case SEEK_REALTIME:
        before = h->tail_entry_realtime < j->seek_time;
        behind = h->head_entry_realtime > j->seek_time;
        break;
    case SEEK_NONE:
        if (!j->position.valid || !id128_equal(j->position.seqnum_id, h->seqnum_id))
            return OUTLOOK_NOW;
        before = h->tail_entry_seqnum < j->position.seqnum;
        behind = h->head_entry_seqnum > j->position.seqnum;
        break;
    case SEEK_MONOTONIC:
    case SEEK_CURSOR:
        break;
    }
    closed = closed && HEADER_HAS(h, tail_entry_offset) &&
             h->tail_entry_offset != 0; /* else it was not checked */
    return forward ? (behind             ? OUTLOOK_LATER
                      : before && closed ? OUTLOOK_NEVER
                                         : OUTLOOK_NOW)
                   : (before   ? OUTLOOK_LATER
                      : behind ? OUTLOOK_NEVER
                               : OUTLOOK_NOW);
}

/* By sequence number, so that those are told apart by it; the next one comes last. */
static int compare_later(const void *a, const void *b)
{
    const struct journal_header *x = journal_header((*(struct reader *const *) a)->file);
    const struct journal_header *y = journal_header((*(struct reader *const *) b)->file);

    return -compare_numbers(x->head_entry_seqnum, y->head_entry_seqnum);
}

static int compare_later_backward(const void *a, const void *b)
{
    const struct journal_header *x = journal_header((*(struct reader *const *) a)->file);
    const struct journal_header *y = journal_header((*(struct reader *const *) b)->file);

    return compare_numbers(x->tail_entry_seqnum, y->tail_entry_seqnum);
}

/* Only one numbering is waited for. */
static bool put_later(struct journal *j, struct reader *r)
{
    if (j->n_later > 0 && !id128_equal(journal_header(j->later[0]->file)->seqnum_id,
                                       journal_header(r->file)->seqnum_id))
        return false;
    j->later[j->n_later++] = r;
    return true;
}

/* Looks into files until what is on top of the heap is what comes next. */
static void wake_readers(struct journal *j)
{
    while (j->n_later > 0) {
        struct reader *r = j->later[j->n_later - 1];
        const struct journal_header *h = journal_header(r->file);

        if (j->n_heap > 0) {
            const struct reader *top = j->heap[0];

            if (id128_equal(journal_header(top->file)->seqnum_id, h->seqnum_id) &&
                (j->forward ? h->head_entry_seqnum > top->entry->seqnum
                            : h->tail_entry_seqnum < top->entry->seqnum))
                return;
        }
        j->n_later--;
        reader_list(j, r);
        do {
            reader_go(j, r, j->forward ? 0 : r->all.n - 1, j->forward);
        } while (reader_salvage(j, r));
        if (r->entry)
            heap_build(j);
    }
}

/* To the place that was sought, or behind the current entry. */
static void place_forward(struct journal *j, struct reader *r)
{
    reader_go(j, r, seek_index(j, r), true);
    /* The current entry itself was given already. */
    while (j->seek == SEEK_NONE && j->position.valid && r->entry &&
           compare_entries(&j->position, r) >= 0)
        reader_advance(j, r, true);
}

/* Backwards from a time, its own entries come first; from a position they do not. */
static void place_backward(struct journal *j, struct reader *r)
{
    size_t index = seek_index(j, r);
    const struct entry_object *e = journal_entry(r->file, entry_list_get(&r->all, r->file, index));
    bool exact = j->seek != SEEK_NONE && e && seek_hits(j, r, e);

    if (exact && j->seek == SEEK_REALTIME) {
        usec_t after = j->seek_time + 1;

        index = reader_bisect(r, compare_realtime, &after);
        exact = false;
    }
    reader_go(j, r, exact ? index : index - 1, false);
    while (j->seek == SEEK_NONE && j->position.valid && r->entry &&
           compare_entries(&j->position, r) <= 0)
        reader_advance(j, r, false);
}

static void place_reader(struct journal *j, struct reader *r, bool forward)
{
    reader_list(j, r);
    do {
        if (forward)
            place_forward(j, r);
        else
            place_backward(j, r);
    } while (reader_salvage(j, r));
}

static void place_readers(struct journal *j, bool forward)
{
    j->forward = forward;
    j->n_later = 0;
    for (size_t i = 0; i < j->n; i++) {
        struct reader *r = j->readers[i];
        enum outlook outlook = reader_outlook(j, r, forward);

        r->entry = NULL;
        if (outlook == OUTLOOK_NOW || (outlook == OUTLOOK_LATER && !put_later(j, r)))
            place_reader(j, r, forward);
    }
    j->seek = SEEK_NONE;
    if (j->n_later > 0)
        qsort(j->later, j->n_later, sizeof *j->later,
              forward ? compare_later : compare_later_backward);
    heap_build(j);
}

void reader_join(struct journal *j, struct reader *r)
{
    place_reader(j, r, j->forward);
    heap_build(j);
}

/* ---- seeking and stepping ---- */

static void seek(struct journal *j, enum seek_kind kind)
{
    j->seek = kind;
    j->position.valid = false;
    j->current = NULL;
}

void journal_seek_head(struct journal *j)
{
    seek(j, SEEK_HEAD);
}

void journal_seek_tail(struct journal *j)
{
    seek(j, SEEK_TAIL);
}

void journal_seek_realtime(struct journal *j, usec_t t)
{
    seek(j, SEEK_REALTIME);
    j->seek_time = t;
}

void journal_seek_monotonic(struct journal *j, struct id128 boot, usec_t t)
{
    seek(j, SEEK_MONOTONIC);
    j->seek_time = t;
    j->seek_cursor.boot = boot;
}

void journal_seek_cursor(struct journal *j, const struct journal_cursor *c)
{
    seek(j, SEEK_CURSOR);
    j->seek_cursor = *c;
}

int journal_step(struct journal *j, bool forward)
{
    if (j->seek != SEEK_NONE || forward != j->forward)
        place_readers(j, forward);
    for (;;) {
        wake_readers(j);
        if (j->n_heap == 0)
            return 0;
        struct reader *r = j->heap[0];
        bool again = j->position.valid && compare_entries(&j->position, r) == 0;

        if (!again) {
            j->position = position_of(r);
            j->current = r;
            j->current_offset = r->at;
        }
        reader_advance(j, r, forward);
        if (!r->entry)
            j->heap[0] = j->heap[--j->n_heap];
        if (j->n_heap > 1)
            heap_down(j, 0);
        if (!again)
            return 1;
    }
}

struct journal_file *journal_current_file(const struct journal *j)
{
    return j->current->file;
}

const struct entry_object *journal_current(const struct journal *j)
{
    return journal_entry(j->current->file, j->current_offset);
}

/* Whether it has more entries now. */
static bool reader_refresh(struct journal *j, struct reader *r)
{
    size_t before = r->all.n;
    uint64_t last = before > 0 ? entry_list_get(&r->all, r->file, before - 1) : 0;

    if (journal_file_refresh(r->file) < 0)
        return false;
    if (r->entry) /* the map may be elsewhere */
        r->entry = journal_entry(r->file, r->at);
    if (!r->salvaged && journal_header(r->file)->n_entries == before)
        return false;
    (void) entry_list_load(&r->all, r->file);
    match_states_reset(r->states, j->n_nodes);
    bool damaged = reader_salvage(j, r);
    if (r->entry && damaged)
        r->index = entry_list_seek(&r->all, r->file, r->at, 0);
    bool more = r->all.n > 0 && entry_list_get(&r->all, r->file, r->all.n - 1) > last;
    if (more && j->seek == SEEK_NONE && j->forward && !r->entry) {
        do {
            reader_go_beyond(j, r, last, true);
        } while (reader_salvage(j, r));
    }
    return more;
}

int journal_refresh(struct journal *j)
{
    int changed = 0;

    /* Those that are not listed are archived, or their turn has not come. */
    for (size_t i = 0; i < j->n; i++) {
        if (j->readers[i]->listed && reader_refresh(j, j->readers[i]))
            changed = 1;
    }
    if (j->seek == SEEK_NONE)
        heap_build(j);
    return changed;
}
