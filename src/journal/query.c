#include "journal/query.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/str.h"
#include "base/strv.h"

struct reader {
    struct journal_file *file;
    struct entry_list all;
    struct match_state *states;
    size_t index;                     /* in `all`, where there is no match */
    uint64_t at;                      /* the next entry in the direction; MATCH_END or 0: none */
    const struct entry_object *entry; /* at `at` */
    bool listed;                      /* `all` was loaded, and the file mapped */
    bool seen;                        /* by the last rescan */
};

struct folder {
    char *path;
    unsigned flags;
    journal_problem problem;
    void *userdata;
};

enum seek_kind { SEEK_HEAD, SEEK_TAIL, SEEK_REALTIME, SEEK_MONOTONIC, SEEK_CURSOR, SEEK_NONE };

struct journal {
    struct reader **readers;
    size_t n, allocated;
    struct folder *folders;
    size_t n_folders, folders_allocated;
    struct match *match;
    unsigned n_nodes;

    enum seek_kind seek;
    usec_t seek_time;
    struct journal_cursor seek_cursor;

    struct reader **heap; /* those that have an entry, the first to come on top */
    size_t n_heap;
    /* Those whose entries all come later than what is on the heap, by their headers alone: of many
     * files most are never looked into. The next one is the last. */
    struct reader **later;
    size_t n_later;
    bool forward;
    struct reader *current;
    uint64_t current_offset;
    struct position { /* of the current entry, to go on from when the direction changes */
        struct id128 seqnum_id, boot;
        uint64_t seqnum, monotonic, realtime, xor_hash;
        bool valid;
    } position;
};

struct journal *journal_new(void)
{
    return new0(struct journal, 1);
}

static void reader_free(struct journal *j, struct reader *r)
{
    if (r->states)
        match_states_free(r->states, j->n_nodes);
    entry_list_done(&r->all);
    journal_file_close(r->file);
    free(r);
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

static void reader_join(struct journal *j, struct reader *r);

/* Before anything but its header is looked at. A file that cannot be mapped has no entries. */
static void reader_list(struct reader *r)
{
    if (r->listed || journal_file_map(r->file) < 0)
        return;
    (void) entry_list_load(&r->all, r->file, 0);
    r->listed = true;
}

/* ---- files ---- */

static struct reader *find_reader(const struct journal *j, uint64_t device, uint64_t inode)
{
    for (size_t i = 0; i < j->n; i++) {
        if (j->readers[i]->file->device == device && j->readers[i]->file->inode == inode)
            return j->readers[i];
    }
    return NULL;
}

static int reader_prepare(struct journal *j, struct reader *r)
{
    if (r->states)
        match_states_free(r->states, j->n_nodes);
    r->states = new0(struct match_state, j->n_nodes + 1);
    return r->states ? 0 : -ENOMEM;
}

int journal_add_file(struct journal *j, const char *path)
{
    struct reader *r = new0(struct reader, 1), *same = NULL;

    if (!r)
        return -ENOMEM;
    int k = journal_file_peek(path, &r->file);
    if (k >= 0)
        same = find_reader(j, r->file->device, r->file->inode);
    if (same) {
        same->seen = true;
        reader_free(j, r);
        return -EEXIST;
    }
    if (k >= 0)
        k = reader_prepare(j, r);
    struct reader **heap = k >= 0 ? realloc(j->heap, (j->n + 1) * sizeof *heap) : NULL;
    if (heap)
        j->heap = heap;
    struct reader **later = heap ? realloc(j->later, (j->n + 1) * sizeof *later) : NULL;
    if (later)
        j->later = later;
    if (k >= 0 && (!later || !grow(&j->readers, &j->allocated, j->n + 1)))
        k = -ENOMEM;
    if (k < 0) {
        reader_free(j, r);
        return k;
    }
    r->seen = true;
    j->readers[j->n++] = r;
    if (j->seek == SEEK_NONE)
        reader_join(j, r);
    return 0;
}

static bool wanted(const char *name, unsigned flags)
{
    char own[32];

    if (!endswith(name, ".journal") && !endswith(name, ".journal~"))
        return false;
    if ((flags & JOURNAL_ALL) || (flags & (JOURNAL_SYSTEM | JOURNAL_USER)) == 0)
        return true;
    snprintf(own, sizeof own, "user-%u", getuid());
    const char *rest = startswith(name, own);
    if (rest && (*rest == '.' || *rest == '@'))
        return flags & JOURNAL_USER;
    return (flags & JOURNAL_SYSTEM) && startswith(name, "system") &&
           (name[6] == '.' || name[6] == '@');
}

static int scan_folder(struct journal *j, const struct folder *f, int *ret_new)
{
    DIR *d = opendir(f->path);
    auto_strv char **names = NULL;

    if (!d)
        return -errno;
    for (struct dirent *e; (e = readdir(d));) {
        /* The collector's own socket is named as a file is (io.systemd.journal). */
        if (e->d_type != DT_SOCK && wanted(e->d_name, f->flags))
            (void) strv_add(&names, e->d_name);
    }
    closedir(d);
    strv_sort(names);
    STRV_FOREACH (name, names) {
        auto_free char *path = path_join(f->path, *name, NULL);
        int r = path ? journal_add_file(j, path) : -ENOMEM;

        if (r >= 0)
            *ret_new = 1;
        else if (r != -EEXIST && r != -ENODATA && r != -ENOENT && f->problem)
            f->problem(path ? path : f->path, r, f->userdata);
    }
    return 0;
}

static int add_folder(struct journal *j, const char *path, unsigned flags, journal_problem problem,
                      void *userdata)
{
    int added = 0;

    if (!grow(&j->folders, &j->folders_allocated, j->n_folders + 1))
        return -ENOMEM;
    struct folder *f = &j->folders[j->n_folders];
    *f = (struct folder){ strdup(path), flags, problem, userdata };
    if (!f->path)
        return -ENOMEM;
    int r = scan_folder(j, f, &added);
    if (r < 0) {
        free(f->path);
        return r;
    }
    j->n_folders++;
    return 0;
}

int journal_add_directory(struct journal *j, const char *path, unsigned flags, bool machines,
                          const struct id128 *machine, journal_problem problem, void *userdata)
{
    int r = add_folder(j, path, flags, problem, userdata);

    if (r < 0 || !machines)
        return r;
    DIR *d = opendir(path);
    if (!d)
        return -errno;
    for (struct dirent *e; (e = readdir(d));) {
        struct id128 id;
        char text[ID128_TEXT_MAX];

        if (strlen(e->d_name) != ID128_TEXT_MAX - 1)
            continue;
        memcpy(text, e->d_name, sizeof text);
        if (id128_parse(text, &id) < 0 || (machine && !id128_equal(id, *machine)))
            continue;
        auto_free char *below = path_join(path, e->d_name, NULL);
        int k = below ? add_folder(j, below, flags, problem, userdata) : -ENOMEM;
        if (k < 0 && k != -ENOTDIR && k != -ENOENT && problem)
            problem(below ? below : path, k, userdata);
    }
    closedir(d);
    return 0;
}

int journal_rescan(struct journal *j)
{
    int added = 0;

    for (size_t i = 0; i < j->n; i++)
        j->readers[i]->seen = false;
    for (size_t i = 0; i < j->n_folders; i++)
        (void) scan_folder(j, &j->folders[i], &added);
    return added;
}

size_t journal_n_files(const struct journal *j)
{
    return j->n;
}

struct journal_file *journal_get_file(const struct journal *j, size_t i)
{
    (void) journal_file_map(j->readers[i]->file);
    return j->readers[i]->file;
}

const char *journal_get_directory(const struct journal *j, size_t i)
{
    return i < j->n_folders ? j->folders[i].path : NULL;
}

int journal_set_match(struct journal *j, struct match *m)
{
    unsigned n = match_number(m, 0);

    for (size_t i = 0; i < j->n; i++) {
        struct reader *r = j->readers[i];
        struct match_state *states = new0(struct match_state, n + 1);

        if (!states)
            return -ENOMEM;
        match_states_free(r->states, j->n_nodes);
        r->states = states;
    }
    match_free(j->match);
    j->match = m;
    j->n_nodes = n;
    return 0;
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

/* Goes on from the offset `from` to an entry that is sound. */
static void reader_settle(struct journal *j, struct reader *r, uint64_t from, bool forward)
{
    struct match_view view = { r->file, &r->all, r->states };

    for (;;) {
        r->entry = NULL;
        if (j->match)
            r->at = forward ? match_next(&view, j->match, from)
                            : match_previous(&view, j->match, from);
        if (!j->match && forward)
            r->at = r->index < r->all.n ? entry_list_get(&r->all, r->file, r->index) : MATCH_END;
        else if (!j->match)
            r->at = r->index < r->all.n ? entry_list_get(&r->all, r->file, r->index) : 0;
        if (r->at == MATCH_END || (r->at == 0 && (j->match || r->index >= r->all.n)))
            return;
        r->entry = journal_entry(r->file, r->at);
        if (r->entry)
            return;
        /* A damaged entry costs itself. */
        from = forward ? r->at + 1 : r->at - 1;
        r->index = forward ? r->index + 1 : r->index - 1;
    }
}

static void reader_advance(struct journal *j, struct reader *r, bool forward)
{
    r->index = forward ? r->index + 1 : r->index - 1; /* SIZE_MAX is past the end as well */
    reader_settle(j, r, forward ? r->at + 1 : r->at - 1, forward);
}

/* Goes to the first entry (backwards: the last) with this index or beyond. */
static void reader_go(struct journal *j, struct reader *r, size_t index, bool forward)
{
    uint64_t from = forward ? MATCH_END : 0;

    r->index = index;
    r->entry = NULL;
    r->at = from;
    if (index >= r->all.n)
        return;
    /* A damaged list has holes. */
    while (index < r->all.n && (from = entry_list_get(&r->all, r->file, index)) == 0)
        index = forward ? index + 1 : index - 1;
    r->index = index;
    if (index < r->all.n)
        reader_settle(j, r, from, forward);
}

/* The first index whose entry is not before the position; entries of a file are in order. */
static size_t reader_bisect(struct reader *r,
                            int (*compare)(const struct reader *r, const struct entry_object *e,
                                           const void *key),
                            const void *key)
{
    size_t low = 0, high = r->all.n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct entry_object *e = journal_entry(r->file,
                                                     entry_list_get(&r->all, r->file, middle));

        /* A damaged entry says nothing; the next sound one does. */
        for (size_t k = middle + 1; !e && k < high; k++)
            e = journal_entry(r->file, entry_list_get(&r->all, r->file, k));
        if (e && compare(r, e, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
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

/* When entries of the file come, as far as its header tells. Only of a file that was closed by its
 * writer, and in which everything is behind that place, or nothing. */
static enum outlook reader_outlook(const struct journal *j, const struct reader *r, bool forward)
{
    const struct journal_header *h = journal_header(r->file);
    bool before = false, behind = false; /* all of its entries are */

    if (h->state != STATE_ARCHIVED || h->n_entries == 0 ||
        h->head_entry_seqnum > h->tail_entry_seqnum ||
        h->tail_entry_seqnum - h->head_entry_seqnum < h->n_entries - 1 ||
        h->head_entry_realtime > h->tail_entry_realtime)
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
    return forward ? (behind   ? OUTLOOK_LATER
                      : before ? OUTLOOK_NEVER
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
        reader_list(r);
        reader_go(j, r, j->forward ? 0 : r->all.n - 1, j->forward);
        if (r->entry)
            heap_build(j);
    }
}

/* Every file to the place that was sought, or behind the current entry. */
static void place_readers(struct journal *j, bool forward)
{
    bool seeking = j->seek != SEEK_NONE;

    j->forward = forward;
    j->n_later = 0;
    for (size_t i = 0; i < j->n; i++) {
        struct reader *r = j->readers[i];
        enum outlook outlook = reader_outlook(j, r, forward);

        r->entry = NULL;
        if (outlook == OUTLOOK_NEVER || (outlook == OUTLOOK_LATER && put_later(j, r)))
            continue;
        reader_list(r);
        size_t index = seek_index(j, r);

        if (forward) {
            reader_go(j, r, index, true);
            /* The current entry itself was given already. */
            while (!seeking && j->position.valid && r->entry &&
                   compare_entries(&j->position, r) >= 0)
                reader_advance(j, r, true);
            continue;
        }
        /* Backwards from a time, its own entries come first; from a position they do not. */
        const struct entry_object *e = index < r->all.n
                                           ? journal_entry(r->file,
                                                           entry_list_get(&r->all, r->file, index))
                                           : NULL;
        bool exact = seeking && e && seek_hits(j, r, e);
        if (exact && j->seek == SEEK_REALTIME) {
            usec_t after = j->seek_time + 1;

            index = reader_bisect(r, compare_realtime, &after);
            exact = false;
        }
        reader_go(j, r, exact ? index : index - 1, false);
        while (!seeking && j->position.valid && r->entry && compare_entries(&j->position, r) <= 0)
            reader_advance(j, r, false);
    }
    j->seek = SEEK_NONE;
    if (j->n_later > 0)
        qsort(j->later, j->n_later, sizeof *j->later,
              forward ? compare_later : compare_later_backward);
    heap_build(j);
}

/* A new file comes in behind the current entry. */
static void reader_join(struct journal *j, struct reader *r)
{
    reader_list(r);
    size_t index = seek_index(j, r);

    if (j->forward) {
        reader_go(j, r, index, true);
        while (j->position.valid && r->entry && compare_entries(&j->position, r) >= 0)
            reader_advance(j, r, true);
    } else {
        reader_go(j, r, index - 1, false);
    }
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

int journal_refresh(struct journal *j)
{
    int changed = 0;

    for (size_t i = 0; i < j->n; i++) {
        struct reader *r = j->readers[i];
        size_t before = r->all.n;

        if (!r->listed)
            continue; /* it is archived, or its turn has not come */
        if (journal_file_refresh(r->file) < 0)
            continue;
        if (r->entry) /* the map may be elsewhere */
            r->entry = journal_entry(r->file, r->at);
        if (journal_header(r->file)->n_entries == before)
            continue;
        (void) entry_list_load(&r->all, r->file, 0);
        match_states_reset(r->states, j->n_nodes);
        if (r->all.n <= before)
            continue;
        changed = 1;
        if (j->seek == SEEK_NONE && j->forward && !r->entry)
            reader_go(j, r, before, true);
    }
    if (j->seek == SEEK_NONE)
        heap_build(j);
    return changed;
}

/* ---- cursors ---- */

int journal_cursor_parse(const char *text, struct journal_cursor *ret)
{
    struct journal_cursor c = { 0 };
    bool any = false, has_monotonic = false, has_boot = false, has_id = false, has_number = false;

    while (*text) {
        size_t n = strcspn(text, ";");
        char value[64];

        if (n < 3 || text[1] != '=' || n - 2 >= sizeof value)
            return -EINVAL;
        memcpy(value, text + 2, n - 2);
        value[n - 2] = 0;
        char *end = value;
        uint64_t number = strtoull(value, &end, 16);
        bool is_number = end != value && *end == 0;
        switch (text[0]) {
        case 's':
            if (id128_parse(value, &c.seqnum_id) < 0)
                return -EINVAL;
            has_id = true;
            break;
        case 'b':
            if (id128_parse(value, &c.boot) < 0)
                return -EINVAL;
            has_boot = true;
            break;
        case 'i':
            c.seqnum = number;
            has_number = true;
            break;
        case 'm':
            c.monotonic = number;
            has_monotonic = true;
            break;
        case 't':
            c.realtime = number;
            c.has_realtime = true;
            break;
        case 'x':
            c.xor_hash = number;
            c.has_xor_hash = true;
            break;
        default:
            break; /* of a newer version */
        }
        if (strchr("imtx", text[0]) && !is_number)
            return -EINVAL;
        any = true;
        text += n + (text[n] == ';');
    }
    c.has_seqnum = has_id && has_number;
    c.has_boot = has_boot && has_monotonic;
    if (!any || (!c.has_seqnum && !c.has_boot && !c.has_realtime))
        return -EINVAL;
    *ret = c;
    return 0;
}

static char *put(char *p, const char *text)
{
    while (*text)
        *p++ = *text++;
    return p;
}

static char *put_hex(char *p, uint64_t v)
{
    static const char digits[] = "0123456789abcdef";
    int shift = v == 0 ? 0 : (63 - __builtin_clzll(v)) / 4 * 4;

    for (; shift >= 0; shift -= 4)
        *p++ = digits[v >> shift & 15];
    return p;
}

static char *put_id(char *p, struct id128 id)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < sizeof id.bytes; i++) {
        *p++ = digits[id.bytes[i] >> 4];
        *p++ = digits[id.bytes[i] & 15];
    }
    return p;
}

/* By hand: export and json have one for each entry. */
void journal_cursor_format(const struct journal_file *f, const struct entry_object *e,
                           char text[static JOURNAL_CURSOR_MAX])
{
    char *p = put_id(put(text, "s="), journal_header(f)->seqnum_id);

    p = put_hex(put(p, ";i="), e->seqnum);
    p = put_id(put(p, ";b="), e->boot_id);
    p = put_hex(put(p, ";m="), e->monotonic);
    p = put_hex(put(p, ";t="), e->realtime);
    p = put_hex(put(p, ";x="), e->xor_hash);
    *p = 0;
}

bool journal_test_cursor(const struct journal *j, const struct journal_cursor *c)
{
    const struct entry_object *e = journal_current(j);
    const struct journal_header *h = journal_header(j->current->file);

    if (!e)
        return false;
    if (c->has_seqnum && id128_equal(c->seqnum_id, h->seqnum_id) && c->seqnum != e->seqnum)
        return false;
    if (c->has_boot && (!id128_equal(c->boot, e->boot_id) || c->monotonic != e->monotonic))
        return false;
    if (c->has_realtime && c->realtime != e->realtime)
        return false;
    return !c->has_xor_hash || c->xor_hash == e->xor_hash;
}

/* ---- what there is ---- */

int journal_unique(struct journal *j, const char *field,
                   int (*fn)(const char *value, size_t n, void *userdata), void *userdata)
{
    size_t name = strlen(field);

    for (size_t i = 0; i < j->n; i++) {
        struct journal_file *f = journal_get_file(j, i);
        uint64_t at = journal_find_field(f, field, name);
        const struct field_object *o = at ? (const struct field_object *) journal_object(
                                                f, at, OBJECT_FIELD)
                                          : NULL;

        for (at = o ? o->head_data_offset : 0; at != 0; at = journal_next_of_field(f, at)) {
            const char *payload;
            size_t n;
            bool known = false;

            if (journal_data(f, at, &payload, &n) < 0 || n <= name || payload[name] != '=')
                continue;
            for (size_t k = 0; k < i && !known; k++)
                known = journal_find_data(j->readers[k]->file, payload, n);
            int r = known ? 0 : fn(payload + name + 1, n - name - 1, userdata);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

int journal_fields(struct journal *j, int (*fn)(const char *name, size_t n, void *userdata),
                   void *userdata)
{
    for (size_t i = 0; i < j->n; i++) {
        struct journal_file *f = journal_get_file(j, i);
        const struct journal_header *h = journal_header(f);
        const struct hash_item *table = (const struct hash_item *) (f->map +
                                                                    h->field_hash_table_offset);

        for (size_t b = 0; b < h->field_hash_table_size / sizeof *table; b++) {
            uint64_t before = 0;

            for (uint64_t at = table[b].head_hash_offset; at > before;) {
                const struct field_object *o = (const struct field_object *) journal_object(
                    f, at, OBJECT_FIELD);
                bool known = false;

                if (!o)
                    break;
                size_t n = o->head.size - sizeof *o;
                for (size_t k = 0; k < i && !known; k++)
                    known = journal_find_field(j->readers[k]->file, (const char *) o->payload, n);
                int r = known ? 0 : fn((const char *) o->payload, n, userdata);
                if (r < 0)
                    return r;
                before = at;
                at = o->next_hash_offset;
            }
        }
    }
    return 0;
}

struct boots {
    struct journal_boot *all;
    size_t n, allocated;
};

static int note_boot(struct boots *b, struct id128 id, usec_t first, usec_t last)
{
    for (size_t i = 0; i < b->n; i++) {
        if (id128_equal(b->all[i].id, id)) {
            b->all[i].first = MIN(b->all[i].first, first);
            b->all[i].last = MAX(b->all[i].last, last);
            return 0;
        }
    }
    if (!grow(&b->all, &b->allocated, b->n + 1))
        return -ENOMEM;
    b->all[b->n++] = (struct journal_boot){ id, first, last };
    return 0;
}

static int boots_of_file(struct journal_file *f, struct boots *b)
{
    uint64_t at = journal_find_field(f, "_BOOT_ID", 8);
    const struct field_object *o = at ? (const struct field_object *) journal_object(f, at,
                                                                                     OBJECT_FIELD)
                                      : NULL;

    for (at = o ? o->head_data_offset : 0; at != 0; at = journal_next_of_field(f, at)) {
        struct entry_list list = { 0 };
        const char *payload;
        size_t n;
        char text[ID128_TEXT_MAX] = { 0 };
        struct id128 id;
        int r = 0;

        if (journal_data(f, at, &payload, &n) < 0 || n != 9 + 32)
            continue;
        memcpy(text, payload + 9, 32);
        if (id128_parse(text, &id) < 0)
            continue;
        (void) entry_list_load(&list, f, at);
        const struct entry_object *first = list.n > 0
                                               ? journal_entry(f, entry_list_get(&list, f, 0))
                                               : NULL;
        const struct entry_object *last = list.n > 0 ? journal_entry(
                                                           f, entry_list_get(&list, f, list.n - 1))
                                                     : NULL;
        if (first && last)
            r = note_boot(b, id, first->realtime, last->realtime);
        entry_list_done(&list);
        if (r < 0)
            return r;
    }
    return 0;
}

static int compare_boots(const void *a, const void *b)
{
    return compare_numbers(((const struct journal_boot *) a)->first,
                           ((const struct journal_boot *) b)->first);
}

int journal_boots(struct journal *j, struct journal_boot **ret, size_t *ret_n)
{
    struct boots b = { 0 };

    for (size_t i = 0; i < j->n; i++) {
        int r = boots_of_file(journal_get_file(j, i), &b);

        if (r < 0) {
            free(b.all);
            return r;
        }
    }
    if (b.n > 0)
        qsort(b.all, b.n, sizeof *b.all, compare_boots);
    *ret = b.all;
    *ret_n = b.n;
    return 0;
}
