/* journal/entry-list.h -- the entries of a file, or those that have one field's value, in the order
 * that they were written: the arrays of offsets that the file has of them.
 *
 * One bit of an array can hide entries or put others in their place, so each answer is held against
 * what it leads to and against its neighbours (entry_list_check()). What does not fit makes the
 * file a damaged one, which is read by its objects instead (salvage.h): a list that is loaded then
 * has all entries that are sound. */
#pragma once

#include "journal/file-read.h"

struct entry_list {
    uint64_t first; /* in-line entry, 0: none */
    struct entry_piece {
        uint64_t offset; /* of the array */
        size_t begin, n; /* index of its first entry, and how many */
    } * pieces;
    size_t n_pieces, allocated;
    uint64_t *found; /* of a damaged file: all of them, in place of the others */
    size_t found_allocated;
    bool salvaged;
    size_t n;                    /* entries in all */
    size_t hint;                 /* of the last piece used */
    uint64_t data;               /* whose list it is; 0: the file's */
    size_t sound_from, sound_to; /* of this part each item was checked */
};

/* Zero-initialise first. Loads, or loads again after a refresh, the entries of the file, of a data
 * object, or of those that have the value "NAME=value". Returns 0 or -ENOMEM. */
int entry_list_load(struct entry_list *l, struct journal_file *f);
int entry_list_load_data(struct entry_list *l, struct journal_file *f, uint64_t data);
int entry_list_load_value(struct entry_list *l, struct journal_file *f, const char *text, size_t n);
void entry_list_done(struct entry_list *l);
/* The offset of the i-th entry; 0 where i >= n. */
uint64_t entry_list_get(struct entry_list *l, const struct journal_file *f, size_t i);
/* The index of the first entry at or after the offset; n where there is none. `from` is an index
 * at or before it to begin at. */
size_t entry_list_seek(struct entry_list *l, const struct journal_file *f, uint64_t offset,
                       size_t from);
/* Whether an index that was sought or gone on to is the right one: the entries at it and before it
 * are what the list is of, and in order. Where not, the file has become a damaged one. */
bool entry_list_check(struct entry_list *l, struct journal_file *f, size_t i);
