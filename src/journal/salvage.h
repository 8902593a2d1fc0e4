/* journal/salvage.h -- reading a damaged file by its objects.
 *
 * Header, hash chains and lists of entries only lead to the entries: they can be done without. Once
 * one of them is found to contradict another, the file is gone through from its beginning: an
 * object says what it is and how long, and behind one that is damaged the next sound one is looked
 * for at every place where one can begin. Entries are those whose fields are there; which of them
 * have a value is told by the entries themselves. So a file costs no more than what of it is
 * damaged.
 *
 * What is found, and when:
 * - on opening: a header that is not one, that has sizes beyond the file or flags that are not
 *   known, or another number or time than the first entry and, of an archived file, the last one;
 * - on mapping (journal_file_map()): hash tables that are not where the header says, a last object
 *   that is beyond the end, a first entry that is none or whose first field has not its hash (which
 *   is so, too, where the header's id or flags are wrong);
 * - on looking up a value: a chain that leads to what is no field or a field of another chain, or
 *   does not end where the table says; a page of the table that is empty and should not be;
 * - on loading a list of entries: arrays that are not arrays, or other than as many entries as are
 *   counted;
 * - with each answer: an item that is no entry, an entry without the value whose list it is of, or
 *   one that is out of order with its neighbours.
 * A file that is being written may look so for a moment: each is asked for again before it counts.
 * Fields that do not have their hash are not noticed by readers: they are shown as they are. */
#pragma once

#include "journal/file-read.h"

/* Something contradicts the rest of the file: from now on it is read by its objects. */
void journal_file_damaged(struct journal_file *f, uint64_t offset, const char *what);

/* The entries that are there, ascending, of a damaged file; goes on where it ended the last time,
 * if the file has grown. Valid until it is called again. Returns 0 or -ENOMEM. */
int journal_file_salvage(struct journal_file *f, const uint64_t **ret, size_t *ret_n);
void journal_file_salvage_done(struct journal_file *f);

/* Of a damaged file: the data objects with that payload, those of a field (the newest first), the
 * field objects. The arrays are the caller's, *ret is NULL where nothing is found. */
int salvage_find_data(struct journal_file *f, const void *payload, size_t n, uint64_t **ret,
                      size_t *ret_n);
int salvage_list_data(struct journal_file *f, const char *name, size_t n, uint64_t **ret,
                      size_t *ret_n);
int salvage_list_fields(struct journal_file *f, uint64_t **ret, size_t *ret_n);
