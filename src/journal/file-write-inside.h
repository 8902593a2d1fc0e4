/* journal/file-write-inside.h -- the inside of file-write.h, shared by its parts. */
#pragma once

#include "journal/file-write.h"

#define GROW_STEP (8u << 20)
#define RECENT 512
#define TAILS 512 /* remembered ends of entry arrays, in files that do not keep them */

struct journal_writer {
    int fd;
    uint8_t *map;
    uint64_t allocated; /* of the file */
    uint64_t clean;     /* zeros were written up to here; 0: not yet needed */
    uint64_t max_size;
    uint64_t end; /* where the next object goes */
    struct writer_options options;
    uint64_t next_seqnum;
    uint64_t generation; /* tells field groups whose offsets they hold */
    uint8_t *packed;     /* scratch for compression */
    size_t packed_allocated;
    struct item {
        uint64_t offset, hash;
    } * items; /* of the entry being made */
    size_t items_allocated;
    struct recent {
        uint64_t ends; /* of the field */
        struct item item;
    } recent[RECENT]; /* fields that occurred more than once */
    struct tail {
        uint64_t data, array;
        size_t n; /* entries in the array */
    } tails[TAILS];
    struct tail main_tail;
};

static inline struct journal_header *header(const struct journal_writer *w)
{
    return (struct journal_header *) w->map;
}

/* What readers may follow is written before what leads to it. */
static inline void publish(void)
{
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

/* Hidden: else the compiler may not put them into their callers in a position-independent program.
 */
#pragma GCC visibility push(hidden)

/* Blocks of the disk, so that a full one is an error here and no signal later. */
int writer_allocate(int fd, uint64_t from, uint64_t n);
/* A new object at the end. Nothing points to it yet. */
int writer_object_new(struct journal_writer *w, enum object_type type, uint64_t size,
                      uint64_t *ret_offset);
/* The object is whole: walks through the file go as far as it from now on. */
void writer_object_done(struct journal_writer *w, uint64_t offset);
/* Where the chain of arrays that begins at `first` ends, given how many entries it has. */
struct tail writer_find_tail(const struct journal_writer *w, uint64_t data, uint64_t first,
                             uint64_t n);

#pragma GCC visibility pop
