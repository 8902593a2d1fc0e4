/* journal/query.h -- many journal files as one sequence of entries.
 *
 * Files are interleaved as systemd does it: by sequence number where two files have the same
 * numbering, else by the monotonic clock where two entries are of one boot, else by the wall clock.
 * An entry that is in two files is given once. */
#pragma once

#include <stdbool.h>

#include "journal/entry-list.h"
#include "journal/match.h"

struct journal;

struct journal *journal_new(void); /* NULL where memory is out */
void journal_free(struct journal *j);

enum {
    JOURNAL_SYSTEM = 1 << 0, /* of a folder: system.journal and its archives, remote ones ... */
    JOURNAL_USER = 1 << 1,   /* user-UID.journal of the calling user */
    JOURNAL_ALL = 1 << 2,    /* whatever ends in .journal or .journal~ */
};

/* Adds one file. -EEXIST: it is there already. Otherwise as journal_file_open(). */
int journal_add_file(struct journal *j, const char *path);
/* Adds the files of a folder and, where `machines` is set, of its folders named by a machine id (or
 * id.namespace, see below): all of them, or that of `machine`. Files that cannot be read are passed
 * to `problem` (may be NULL) and left out. The folder is remembered for journal_rescan(). Returns 0
 * or a negative errno of the folder itself. */
typedef void (*journal_problem)(const char *path, int error, void *userdata);
int journal_add_directory(struct journal *j, const char *path, unsigned flags, bool machines,
                          const struct id128 *machine, journal_problem problem, void *userdata);
/* Files that turn out to be damaged are read as far as they are sound (salvage.h); each is passed
 * to `problem` once, with -EUCLEAN. */
void journal_on_damage(struct journal *j, journal_problem problem, void *userdata);
/* Which of the folders ID.NAMESPACE journal_add_directory() takes: the one of that name, "+NAME":
 * that and ID itself, "*": all; NULL: ID only. Before the folders are added; the text stays the
 * caller's. */
void journal_set_namespaces(struct journal *j, const char *which);
/* Adds what is new in the folders, forgets files that were deleted and read to their end. Returns
 * 1 if there is a new file. */
int journal_rescan(struct journal *j);
size_t journal_n_files(const struct journal *j);
struct journal_file *journal_get_file(const struct journal *j, size_t i);
/* The folders, for inotify(7); NULL past the last. */
const char *journal_get_directory(const struct journal *j, size_t i);

/* Only entries that the expression holds for from now on; it is freed with the journal. NULL: all.
 * Seek afterwards. */
int journal_set_match(struct journal *j, struct match *m);

/* The place that the next journal_step() begins from. */
void journal_seek_head(struct journal *j);
void journal_seek_tail(struct journal *j);
void journal_seek_realtime(struct journal *j, usec_t t);
void journal_seek_monotonic(struct journal *j, struct id128 boot, usec_t t);

struct journal_cursor {
    struct id128 seqnum_id, boot;
    uint64_t seqnum, monotonic, realtime, xor_hash;
    bool has_seqnum, has_boot, has_realtime, has_xor_hash;
};
/* "s=...;i=...;b=...;m=...;t=...;x=..." of sd_journal_get_cursor(3). -EINVAL. */
int journal_cursor_parse(const char *text, struct journal_cursor *ret);
#define JOURNAL_CURSOR_MAX 160
void journal_cursor_format(const struct journal_file *f, const struct entry_object *e,
                           char text[static JOURNAL_CURSOR_MAX]);
void journal_seek_cursor(struct journal *j, const struct journal_cursor *c);
/* Whether the current entry is the one that the cursor names. */
bool journal_test_cursor(const struct journal *j, const struct journal_cursor *c);

/* Goes to the next (or, backwards, to the previous) entry. Returns 1, or 0 at the end; going on
 * from there later gives what was added (after journal_refresh()). */
int journal_step(struct journal *j, bool forward);
/* The current entry; only after a step that returned 1. Valid until the next step or refresh. */
struct journal_file *journal_current_file(const struct journal *j);
const struct entry_object *journal_current(const struct journal *j);

/* Looks for what was added to the files. Returns 1 if there is anything. */
int journal_refresh(struct journal *j);

/* From when to when (by the wall clock) the files have entries with an id in one of the fields
 * (NULL-terminated), oldest first; of those ids whose first entry in a file is wanted, if a filter
 * is given. The array is the caller's. Returns 0 or a negative errno. */
struct journal_span {
    struct id128 id;
    usec_t first, last;
};
typedef bool (*journal_entry_filter)(struct journal_file *f, const struct entry_object *e,
                                     void *userdata);
int journal_spans(struct journal *j, const char *const *fields, journal_entry_filter wanted,
                  void *userdata, struct journal_span **ret, size_t *ret_n);
/* The boots. */
int journal_boots(struct journal *j, struct journal_span **ret, size_t *ret_n);
/* Calls fn for each different value of a field; fn's negative result ends it. */
int journal_unique(struct journal *j, const char *field,
                   int (*fn)(const char *value, size_t n, void *userdata), void *userdata);
/* Calls fn for each different field name. */
int journal_fields(struct journal *j, int (*fn)(const char *name, size_t n, void *userdata),
                   void *userdata);
