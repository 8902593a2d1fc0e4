/* Journal files that are written: how they begin, are gone on with, and are closed. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "journal/file-write-inside.h"

#define MAX_SIZE_DEFAULT (128u << 20)
#define MAX_SIZE_MIN (512u << 10)
#define COMPRESS_THRESHOLD 512

static uint64_t last_generation;

static uint64_t round_max(uint64_t max, bool compact)
{
    uint64_t limit = compact ? UINT32_MAX : UINT64_C(1) << 40;

    if (max == 0)
        max = MAX_SIZE_DEFAULT;
    max = MIN(MAX(max, (uint64_t) MAX_SIZE_MIN), limit);
    return max & ~UINT64_C(4095);
}

static int table_new(struct journal_writer *w, enum object_type type, uint64_t buckets,
                     uint64_t *ret_offset, uint64_t *ret_size)
{
    uint64_t at, size = buckets * sizeof(struct hash_item);
    int r = writer_object_new(w, type, sizeof(struct object) + size, &at);

    if (r < 0)
        return r;
    writer_object_done(w, at);
    *ret_offset = at + sizeof(struct object);
    *ret_size = size;
    return 0;
}

static int file_begin(struct journal_writer *w)
{
    struct journal_header *h = header(w);

    w->end = sizeof *h;
    /* Room first: nothing may be touched that has no blocks. */
    int r = writer_allocate(w->fd, 0, MIN((uint64_t) GROW_STEP, w->max_size));
    if (r < 0)
        return r;
    w->allocated = MIN((uint64_t) GROW_STEP, w->max_size);
    *h = (struct journal_header){
        /* Not COMPATIBLE_TAIL_ENTRY_BOOT_ID, though it holds: systemd 252 cannot verify a file that
         * has it. */
        .incompatible_flags = INCOMPATIBLE_KEYED_HASH | INCOMPATIBLE_ZSTD |
                              (w->options.compact ? INCOMPATIBLE_COMPACT : 0),
        .state = STATE_ONLINE,
        .file_id = id128_random(),
        .machine_id = w->options.machine,
        .tail_entry_boot_id = w->options.boot,
        .seqnum_id = w->options.seqnum_id,
        .header_size = sizeof *h,
        .arena_size = w->allocated - sizeof *h,
    };
    if (id128_is_null(h->seqnum_id))
        h->seqnum_id = h->file_id;
    /* As many buckets as a file of this size has fields at most, some 576 bytes each. */
    r = table_new(w, OBJECT_FIELD_HASH_TABLE, 1023, &h->field_hash_table_offset,
                  &h->field_hash_table_size);
    if (r >= 0)
        r = table_new(w, OBJECT_DATA_HASH_TABLE, MAX(w->max_size / 576, (uint64_t) 2047),
                      &h->data_hash_table_offset, &h->data_hash_table_size);
    if (r < 0)
        return r;
    w->clean = w->end; /* of the tables few pages are ever touched in a small journal */
    publish();
    memcpy(h->signature, JOURNAL_SIGNATURE, sizeof h->signature);
    return 0;
}

/* Whether what is there can be written on. */
static int file_continue(struct journal_writer *w)
{
    struct journal_header *h = header(w);
    uint32_t flags = INCOMPATIBLE_KEYED_HASH | INCOMPATIBLE_ZSTD |
                     (w->options.compact ? INCOMPATIBLE_COMPACT : 0);

    if (memcmp(h->signature, JOURNAL_SIGNATURE, sizeof h->signature) != 0 ||
        h->header_size != sizeof *h || h->incompatible_flags != flags ||
        (h->compatible_flags & ~(uint32_t) COMPATIBLE_WRITABLE) || h->state != STATE_OFFLINE ||
        !id128_equal(h->machine_id, w->options.machine) ||
        h->header_size + h->arena_size > w->allocated || w->allocated > w->max_size ||
        h->tail_object_offset % 8 != 0 || h->tail_object_offset < h->header_size ||
        h->tail_object_offset > w->allocated - sizeof(struct object))
        return -EBUSY;
    if (h->data_hash_table_size == 0 || h->field_hash_table_size == 0 ||
        h->data_hash_table_offset + h->data_hash_table_size > w->allocated ||
        h->field_hash_table_offset + h->field_hash_table_size > w->allocated)
        return -EBUSY;
    const struct object *last = (const struct object *) (w->map + h->tail_object_offset);
    if (last->size < sizeof *last || last->size > w->allocated - h->tail_object_offset)
        return -EBUSY;
    w->end = align8(h->tail_object_offset + last->size);
    /* What a former writer had begun behind it is not zero. */
    if (w->end < w->allocated)
        (void) fallocate(w->fd, FALLOC_FL_ZERO_RANGE, (off_t) w->end,
                         (off_t) (w->allocated - w->end));
    w->clean = w->end;
    w->main_tail = writer_find_tail(w, 0, h->entry_array_offset, h->n_entries);
    w->next_seqnum = MAX(w->next_seqnum, h->tail_entry_seqnum + 1);
    h->state = STATE_ONLINE;
    return 0;
}

static void writer_free(struct journal_writer *w)
{
    if (w->map)
        munmap(w->map, w->max_size);
    close_fd(w->fd);
    free(w->items);
    free(w->packed);
    free(w);
}

DEFINE_AUTO(struct journal_writer, writer, writer_free)

int journal_writer_open(const char *path, const struct writer_options *options,
                        struct journal_writer **ret)
{
    struct stat st;
    _cleanup_(auto_writer_p) struct journal_writer *w = new0(struct journal_writer, 1);

    if (!w)
        return -ENOMEM;
    w->options = *options;
    if (w->options.compress_threshold == 0)
        w->options.compress_threshold = COMPRESS_THRESHOLD;
    w->next_seqnum = MAX(options->next_seqnum, (uint64_t) 1);
    w->max_size = round_max(options->max_size, options->compact);
    w->generation = ++last_generation;
    w->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW,
                 options->mode ? options->mode : 0640);
    if (w->fd < 0)
        return -errno;
    if (fstat(w->fd, &st) < 0)
        return -errno;
    if (!S_ISREG(st.st_mode))
        return -EBUSY;
    w->allocated = (uint64_t) st.st_size;
    if (w->allocated > w->max_size ||
        (w->allocated > 0 && w->allocated < sizeof(struct journal_header)))
        return -EBUSY;
    void *map = mmap(NULL, w->max_size, PROT_READ | PROT_WRITE, MAP_SHARED, w->fd, 0);
    if (map == MAP_FAILED)
        return -errno;
    w->map = map;
    int r = w->allocated == 0 ? file_begin(w) : file_continue(w);
    if (r < 0) {
        if (st.st_size == 0)
            (void) unlink(path); /* nothing is in it */
        return r;
    }
    *ret = take_ptr(w);
    return 0;
}

void journal_writer_close(struct journal_writer *w, bool archive, bool sync)
{
    if (!w)
        return;
    uint64_t arena = header(w)->arena_size;
    if (archive && w->end < w->allocated) {
        /* Readers must not see more than there is. */
        header(w)->arena_size = w->end - header(w)->header_size;
        if (ftruncate(w->fd, (off_t) w->end) >= 0)
            w->allocated = w->end;
        else
            header(w)->arena_size = arena;
    }
    if (sync)
        (void) fdatasync(w->fd);
    header(w)->state = archive ? STATE_ARCHIVED : STATE_OFFLINE;
    if (sync)
        (void) fdatasync(w->fd);
    journal_writer_notify(w);
    writer_free(w);
}
