/* journal/field.h -- groups of fields that repeat from entry to entry.
 *
 * Most of an entry is what the one before it had: the machine, the unit, the process. Such fields
 * are kept as groups; each group remembers where its fields are in the file that was last written,
 * so that they are looked up once a file and not once an entry. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

struct field_group {
    char *text; /* all fields, one after the other */
    size_t size, allocated;
    struct field_position {
        uint32_t at, length;
    } * fields;
    size_t n, n_allocated;
    bool failed; /* an allocation did: fields are missing */

    /* Of the writer (file-write.h): which file the offsets belong to, 0 for none. */
    uint64_t generation;
    uint64_t *offsets;
    uint64_t xor_hash;
};

#define auto_field_group _cleanup_(field_group_done)
void field_group_done(struct field_group *g);
/* Empties it, keeping memory. */
void field_group_clear(struct field_group *g);
/* Adds "NAME=value"; NULL values are left out. */
void field_add(struct field_group *g, const char *name, const char *value);
void field_addf(struct field_group *g, const char *name, const char *fmt, ...) _printf_(3, 4);
void field_add_n(struct field_group *g, const char *name, const void *value, size_t n);
/* Adds a whole "NAME=value". */
void field_add_whole(struct field_group *g, const void *field, size_t n);

/* The value of the first field of that name, or NULL. */
const char *field_get(const struct field_group *g, const char *name, size_t *ret_length);

/* Whether a client may choose the field: [A-Z0-9_]{1,64}, no digit first, no underscore first
 * unless `trusted` (systemd.journal-fields(7), sd_journal_sendv(3)). */
bool field_name_valid(const char *name, size_t n, bool trusted);
