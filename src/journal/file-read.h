/* journal/file-read.h -- reading one journal file, live or not, sound or not.
 *
 * The file is mapped. Every offset and size is checked before it is used, so that a damaged or
 * hostile file costs its damaged entries and nothing else. A file that is being written grows under
 * the reader: journal_file_refresh() sees what was added.
 *
 * Offsets are uint64_t from the beginning of the file, 0 for "none". */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "journal/file-format.h"

struct journal_file {
    char *path;
    int fd;
    uint8_t *map; /* NULL: only its header was read so far */
    struct journal_header early;
    uint64_t size; /* mapped */
    uint64_t device, inode;
    bool compact, keyed;
    /* Set once something is found that contradicts the rest, which is noted: it is read by its
     * objects from then on (salvage.h). */
    bool damaged;
    uint64_t damage_at;
    const char *damage;
    struct salvage *salvage;
    /* Of the header, as they were checked: a writer must not change them under us. */
    uint64_t data_table, data_buckets, field_table, field_buckets;
    bool data_counted, fields_counted; /* what is in these tables was held against the header */

    /* The last decompressed payloads, by data offset. */
    struct unpacked {
        uint64_t offset;
        uint8_t *data;
        size_t n, allocated;
    } unpacked[4];
    unsigned next_unpacked;
};

/* Opens by path, or the descriptor (which is taken over on success) with the path for messages.
 * -EBADMSG: no journal file, or no entry of it can be read. -EPROTONOSUPPORT: the same, and it has
 * flags that are not known. -ENODATA: empty, or not yet initialised. Others as open(2), mmap(2). */
int journal_file_open(const char *path, struct journal_file **ret);
int journal_file_open_fd(int fd, const char *path, struct journal_file **ret);
void journal_file_close(struct journal_file *f);

/* Opens it, by its name in a folder that is open (or AT_FDCWD), but reads no more than its header,
 * as it is now: for files that may never be needed. `path` is for messages. Nothing else of it may
 * be asked for before journal_file_map(), which does no more than that once it has. Returns 0 or
 * what mmap(2) gives. */
int journal_file_peek(int folder, const char *name, const char *path, struct journal_file **ret);
int journal_file_map(struct journal_file *f);

/* Maps what was added since. Returns 1 if the file grew, 0, or a negative errno. Pointers into the
 * map that were taken before are not valid afterwards. */
int journal_file_refresh(struct journal_file *f);

/* Pages of a mapped file that was cut short read as zeros instead of ending the process by SIGBUS.
 * Call it once in a program that reads files of others. */
void journal_file_survive_truncation(void);

static inline const struct journal_header *journal_header(const struct journal_file *f)
{
    return f->map ? (const struct journal_header *) f->map : &f->early;
}

/* The object of that type, or NULL where there is none (the whole of it is within the file). */
const struct object *journal_object(const struct journal_file *f, uint64_t offset,
                                    enum object_type type);

/* The entry, or NULL where it is damaged. */
static inline const struct entry_object *journal_entry(const struct journal_file *f,
                                                       uint64_t offset)
{
    return (const struct entry_object *) journal_object(f, offset, OBJECT_ENTRY);
}
size_t journal_entry_n_items(const struct journal_file *f, const struct entry_object *e);
static inline uint64_t journal_entry_item(const struct journal_file *f,
                                          const struct entry_object *e, size_t i)
{
    const uint8_t *items = (const uint8_t *) e + ENTRY_ITEMS;

    return f->compact ? ((const uint32_t *) items)[i] : ((const uint64_t *) items)[2 * i];
}

static inline bool journal_entry_has(const struct journal_file *f, const struct entry_object *e,
                                     uint64_t data)
{
    for (size_t i = 0, n = journal_entry_n_items(f, e); i < n; i++) {
        if (journal_entry_item(f, e, i) == data)
            return true;
    }
    return false;
}

/* Of an array of entries. */
static inline uint64_t journal_array_item(const struct journal_file *f, uint64_t array, size_t i)
{
    const uint8_t *items = f->map + array + ARRAY_ITEMS;

    return f->compact ? ((const uint32_t *) items)[i] : ((const uint64_t *) items)[i];
}

/* The payload ("NAME=value") of a data object, decompressed where it needs be; valid until four
 * other compressed ones were asked for. -EBADMSG where it is damaged, -ENOMEM. */
int journal_data(struct journal_file *f, uint64_t offset, const char **ret, size_t *ret_n);
/* The same, but at least its first `need` bytes are enough (for field names); *ret_n may be less
 * than the whole. */
int journal_data_prefix(struct journal_file *f, uint64_t offset, size_t need, const char **ret,
                        size_t *ret_n);
static inline size_t journal_data_header_size(const struct journal_file *f)
{
    return f->compact ? DATA_PAYLOAD_COMPACT : DATA_PAYLOAD_REGULAR;
}

uint64_t journal_hash(const struct journal_file *f, const void *data, size_t n);
/* The data object with that payload; 0 where the file has none. */
uint64_t journal_find_data(struct journal_file *f, const void *payload, size_t n);
/* The field object of that name. */
uint64_t journal_find_field(struct journal_file *f, const void *name, size_t n);
/* All data objects of a field, the newest first; all field objects. The arrays are the caller's,
 * NULL where there are none. Returns 0 or -ENOMEM. */
int journal_list_data(struct journal_file *f, const char *name, size_t n, uint64_t **ret,
                      size_t *ret_n);
int journal_list_fields(struct journal_file *f, uint64_t **ret, size_t *ret_n);
