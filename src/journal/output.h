/* journal/output.h -- entries as text, as journalctl(1) writes them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "base/time.h"
#include "journal/file-read.h"

enum entry_mode {
    ENTRY_SHORT,
    ENTRY_SHORT_FULL,
    ENTRY_SHORT_ISO,
    ENTRY_SHORT_ISO_PRECISE,
    ENTRY_SHORT_PRECISE,
    ENTRY_SHORT_MONOTONIC,
    ENTRY_SHORT_DELTA,
    ENTRY_SHORT_UNIX,
    ENTRY_WITH_UNIT,
    ENTRY_VERBOSE,
    ENTRY_EXPORT,
    ENTRY_JSON,
    ENTRY_JSON_PRETTY,
    ENTRY_JSON_SSE,
    ENTRY_JSON_SEQ,
    ENTRY_CAT,
    ENTRY_LOGFMT, /* beyond journalctl: NAME=value pairs, values quoted where needed */
    ENTRY_MODE_MAX,
};

/* -EINVAL for a name that is none. */
int entry_mode_from_name(const char *name, enum entry_mode *ret);
const char *entry_mode_name(enum entry_mode mode);

struct output_options {
    enum entry_mode mode;
    bool all;  /* long and unprintable values as well */
    bool full; /* lines as long as they are (else cut to `columns`) */
    bool utc;
    bool no_hostname;
    bool truncate_newline;
    bool color;
    size_t columns;
    char *const
        *fields; /* only these, in verbose, export, json and cat; NULL: all (cat: MESSAGE) */
};

struct output;

/* Writes into the buffer, which the caller empties. Both have to outlive it. NULL where memory is
 * out. */
struct output *output_new(const struct output_options *options, struct strbuf *buffer);
void output_free(struct output *o);

/* One entry. `highlight` (of the message, from and to; NULL: nothing) is shown in colour. Returns
 * 1, 0 where the mode has nothing to show of the entry, or -EBADMSG where it is damaged. */
int output_entry(struct output *o, struct journal_file *f, const struct entry_object *e,
                 const size_t highlight[2]);

/* The value of the first such field of an entry. Returns 1, 0 where it has none, or a negative
 * errno. */
int entry_field(struct journal_file *f, const struct entry_object *e, const char *name,
                const char **ret, size_t *ret_n);
