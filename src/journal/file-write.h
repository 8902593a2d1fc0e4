/* journal/file-write.h -- writing one journal file.
 *
 * The file is mapped for its largest size at once and grown by allocating blocks, so that a full
 * disk is an error of the call that grows it, and never a SIGBUS. Objects are written whole before
 * anything points to them; the header comes last: a process that is killed leaves a file that can
 * be read up to there. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/id128.h"
#include "base/time.h"
#include "journal/field.h"
#include "journal/file-format.h"

struct journal_writer;

struct writer_options {
    bool compact;
    uint64_t max_size;          /* bytes; 0: 128 MiB. At most 4 GiB where it is compact */
    size_t compress_threshold;  /* payloads from this size on; 0: 512; SIZE_MAX: none */
    struct id128 machine, boot; /* of the entries to come */
    struct id128 seqnum_id;     /* null: a new one for a new file */
    uint64_t next_seqnum;       /* 1 at first */
    unsigned mode;              /* of a new file: 0640 */
};

/* Opens for appending, or makes the file. -EBUSY: it was not closed as it should (online, or
 * archived), or is of another machine, layout or version: it has to be set aside, nothing was
 * changed. Others as open(2); -ENOSPC. */
int journal_writer_open(const char *path, const struct writer_options *options,
                        struct journal_writer **ret);
/* Marks it offline (or archived, then cut to its length), after its contents are on disk if `sync`,
 * and frees it. NULL is allowed. */
void journal_writer_close(struct journal_writer *w, bool archive, bool sync);

/* Appends one entry: the fields of all groups, then the others; fields that occur twice are stored
 * once. Returns 0; -E2BIG: the file is full by its size or its hash table, and has to be rotated;
 * -EINVAL: no fields, or one without "="; -ENOSPC, -ENOMEM. */
int journal_writer_append(struct journal_writer *w, const struct dual_time *time,
                          struct field_group *const *groups, size_t n_groups,
                          const struct iovec *fields, size_t n_fields);

/* Tells readers that wait by inotify(7) that there are new entries. */
void journal_writer_notify(struct journal_writer *w);

const struct journal_header *journal_writer_header(const struct journal_writer *w);
int journal_writer_fd(const struct journal_writer *w);
/* The number that the next entry gets; kept across files. */
uint64_t journal_writer_seqnum(const struct journal_writer *w);
void journal_writer_set_seqnum(struct journal_writer *w, uint64_t next);
