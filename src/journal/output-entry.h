/* journal/output-entry.h -- the inside of output.h: an entry on its way to text, shared by the
 * modes. */
#pragma once

#include "base/str.h"
#include "journal/output.h"

#define OUTPUT_SLOTS 8192
#define LONG_VALUE 300 /* longer ones are not shown by short and verbose without --all */
#define NAMES_MAX 1024

enum field_kind {
    FIELD_OTHER,
    FIELD_MESSAGE,
    FIELD_PRIORITY,
    FIELD_HOSTNAME,
    FIELD_IDENTIFIER,
    FIELD_COMM,
    FIELD_PID,
    FIELD_SYSLOG_PID,
    FIELD_UNIT,
    FIELD_USER_UNIT,
    FIELD_SOURCE_REALTIME,
    FIELD_SOURCE_MONOTONIC,
    FIELD_BOOT_ID,
    FIELD_KIND_MAX,
};

/* What is known of a data object that many entries have, so that it is worked out once. */
struct slot {
    const struct journal_file *file;
    uint64_t offset;
    size_t size; /* of the payload */
    uint8_t kind, name_length;
    bool wanted;   /* by --output-fields */
    uint16_t name; /* number of the name */
    char *text;    /* as this mode writes it, NULL: not yet made */
    size_t length;
};

struct output {
    struct output_options options;
    struct strbuf *out;
    struct slot *slots;

    struct name {
        char *text;
        uint8_t length;
        uint64_t stamp; /* the last entry that had it */
    } names[NAMES_MAX];
    size_t n_names;
    uint64_t n_entries;

    usec_t time_second; /* of the cached text */
    char time_text[64];
    size_t time_length;

    struct id128 previous_boot; /* short-delta */
    usec_t previous_monotonic, previous_realtime;
    bool has_previous;

    struct strbuf stripped;
};

struct value {
    const char *text; /* NULL: there is none */
    size_t n;
};

/* output-field.c */
/* Works out what the data object is, into the slot of its own where it is shared by entries, else
 * into `scratch`. NULL: it is damaged. */
struct slot *output_slot(struct output *o, struct journal_file *f, uint64_t offset,
                         struct slot *scratch, const char **ret, size_t *ret_n);
/* The fields that short modes show. */
void output_gather(struct output *o, struct journal_file *f, const struct entry_object *e,
                   struct value values[FIELD_KIND_MAX]);

/* output-time.c */
/* When it happened, as near as is known: the sender's own times come first. */
struct dual_time output_display_time(const struct entry_object *e, const struct value *values);
/* The time as the mode writes it; to the second in the way of `mode`; what may follow that. */
void output_time(struct output *o, const struct entry_object *e, const struct value *values);
void output_second(struct output *o, usec_t t, enum entry_mode mode);
void output_micro(struct output *o, usec_t t);
void output_zone(struct output *o, usec_t t, const char *pattern);

/* output-text.c */
bool output_printable(const char *text, size_t n, bool newline);
int output_short(struct output *o, struct journal_file *f, const struct entry_object *e,
                 const size_t *highlight);
int output_cat(struct output *o, struct journal_file *f, const struct entry_object *e,
               const size_t *highlight);
int output_verbose(struct output *o, struct journal_file *f, const struct entry_object *e);

/* output-data.c */
int output_export(struct output *o, struct journal_file *f, const struct entry_object *e);
int output_json(struct output *o, struct journal_file *f, const struct entry_object *e);
int output_logfmt(struct output *o, struct journal_file *f, const struct entry_object *e);
