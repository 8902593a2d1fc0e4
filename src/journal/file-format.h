/* journal/file-format.h -- the journal file on disk, as systemd's JOURNAL_FILE_FORMAT document
 * describes it. All numbers are little-endian; objects are aligned to 8 bytes. */
#pragma once

#include <assert.h>
#include <stdint.h>

#include "base/id128.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "journal files are mapped and used in place: the machine has to be little-endian");

#define JOURNAL_SIGNATURE "LPKSHHRH"

enum {
    INCOMPATIBLE_XZ = 1 << 0,
    INCOMPATIBLE_LZ4 = 1 << 1,
    INCOMPATIBLE_KEYED_HASH = 1 << 2,
    INCOMPATIBLE_ZSTD = 1 << 3,
    INCOMPATIBLE_COMPACT = 1 << 4,
    INCOMPATIBLE_KNOWN = (1 << 5) - 1,

    COMPATIBLE_SEALED = 1 << 0,
    COMPATIBLE_TAIL_ENTRY_BOOT_ID = 1 << 1,
    COMPATIBLE_SEALED_CONTINUOUS = 1 << 2,
    COMPATIBLE_WRITABLE = COMPATIBLE_TAIL_ENTRY_BOOT_ID,
};

enum journal_state { STATE_OFFLINE, STATE_ONLINE, STATE_ARCHIVED };

struct journal_header {
    uint8_t signature[8];
    uint32_t compatible_flags, incompatible_flags;
    uint8_t state, reserved[7];
    struct id128 file_id, machine_id, tail_entry_boot_id, seqnum_id;
    uint64_t header_size, arena_size;
    uint64_t data_hash_table_offset, data_hash_table_size; /* of the items, in bytes */
    uint64_t field_hash_table_offset, field_hash_table_size;
    uint64_t tail_object_offset, n_objects, n_entries;
    uint64_t tail_entry_seqnum, head_entry_seqnum;
    uint64_t entry_array_offset;
    uint64_t head_entry_realtime, tail_entry_realtime, tail_entry_monotonic;
    /* From here on each field is there only if header_size says so. */
    uint64_t n_data, n_fields;
    uint64_t n_tags, n_entry_arrays;
    uint64_t data_hash_chain_depth, field_hash_chain_depth;
    uint32_t tail_entry_array_offset, tail_entry_array_n_entries;
    uint64_t tail_entry_offset;
};
static_assert(sizeof(struct journal_header) == 272, "as on disk");
#define JOURNAL_HEADER_MIN 208

#define HEADER_HAS(h, field) \
    ((h)->header_size >= offsetof(struct journal_header, field) + sizeof((h)->field))

enum object_type {
    OBJECT_UNUSED,
    OBJECT_DATA,
    OBJECT_FIELD,
    OBJECT_ENTRY,
    OBJECT_DATA_HASH_TABLE,
    OBJECT_FIELD_HASH_TABLE,
    OBJECT_ENTRY_ARRAY,
    OBJECT_TAG,
    OBJECT_TYPE_MAX,
};

enum {
    OBJECT_XZ = 1 << 0,
    OBJECT_LZ4 = 1 << 1,
    OBJECT_ZSTD = 1 << 2,
    OBJECT_COMPRESSED = OBJECT_XZ | OBJECT_LZ4 | OBJECT_ZSTD,
};

struct object {
    uint8_t type, flags, reserved[6];
    uint64_t size;
};

struct data_object {
    struct object head;
    uint64_t hash, next_hash_offset, next_field_offset;
    uint64_t entry_offset, entry_array_offset, n_entries;
    /* compact files: */
    uint32_t tail_entry_array_offset, tail_entry_array_n_entries;
};
#define DATA_PAYLOAD_REGULAR 64
#define DATA_PAYLOAD_COMPACT 72

struct field_object {
    struct object head;
    uint64_t hash, next_hash_offset, head_data_offset;
    uint8_t payload[];
};

struct entry_object {
    struct object head;
    uint64_t seqnum, realtime, monotonic;
    struct id128 boot_id;
    uint64_t xor_hash;
    /* then items: {offset, hash} of 64 bits each, or 32-bit offsets in compact files */
};
#define ENTRY_ITEMS 64
static_assert(sizeof(struct entry_object) == ENTRY_ITEMS, "as on disk");

struct hash_item {
    uint64_t head_hash_offset, tail_hash_offset;
};

struct entry_array_object {
    struct object head;
    uint64_t next_entry_array_offset;
    /* then offsets of 64 bits, or 32 in compact files */
};
#define ARRAY_ITEMS 24

static inline uint64_t align8(uint64_t n)
{
    return (n + 7) & ~UINT64_C(7);
}

/* lookup3 (Bob Jenkins, public domain), as 64 bits: the hash of files without keyed hash, and of
 * every entry's xor_hash. */
uint64_t journal_jenkins(const void *data, size_t n);
