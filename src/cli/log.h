/* cli/log.h -- reeve log (journalctl): its options, shared by its files. Source: journalctl(1). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "journal/output.h"
#include "journal/query.h"

enum log_action {
    ACTION_SHOW,
    ACTION_FIELD,
    ACTION_FIELDS,
    ACTION_LIST_BOOTS,
    ACTION_LIST_INVOCATIONS,
    ACTION_DISK_USAGE,
    ACTION_VACUUM,
    ACTION_VERIFY,
    ACTION_HEADER,
    ACTION_LIST_NAMESPACES,
    ACTION_SYNC,
    ACTION_FLUSH,
    ACTION_ROTATE,
    ACTION_RELINQUISH,
    ACTION_SMART_RELINQUISH,
    ACTION_TOP,
};

struct log_options {
    const char *program; /* for messages: "journalctl" or "reeve log" */
    enum log_action action;
    struct output_options output;

    /* where */
    const char *directory, *root, *machine, *namespaces;
    char **files;
    bool merge, user_only, system_only;

    /* what */
    char **units, **user_units, **identifiers, **not_identifiers, **matches;
    const char *boot;       /* NULL: any; "": the current one */
    const char *invocation; /* NULL: any */
    const char *failure;    /* "first", "last": the failing invocation of the units */
    const char *since_text, *until_text, *cursor, *after_cursor, *cursor_file, *grep, *field;
    usec_t since, until; /* USEC_INFINITY: not set */
    unsigned priorities; /* bit mask; 0: all */
    uint32_t facilities; /* bit mask; 0: all */
    long context;        /* entries around the failure; -1: none, and no other unit's */
    int case_sensitive;  /* -1: by the pattern */
    bool kernel;

    /* how */
    long lines;        /* -1: all */
    bool lines_oldest; /* "+N" */
    bool reverse, follow, no_tail, show_cursor, quiet, no_pager, pager_end, catalog;
    uint64_t vacuum_size, vacuum_files;
    usec_t vacuum_time;
    bool rotate, json;
};

/* For initialisers: what is not 0 where the option is not given; `lines` is for the user to say. */
#define LOG_OPTIONS_NONE \
    .since = USEC_INFINITY, .until = USEC_INFINITY, .case_sensitive = -1, .context = -1

/* log_options.c: returns the exit status to end with, or -1 to go on. */
int log_parse_options(struct log_options *o, int argc, char **argv);

/* log_match.c: the expression for the options, NULL for everything. Looks into the journal for
 * patterns, boots and invocations. Returns 0 or a negative errno, having said what is wrong. */
int log_build_match(const struct log_options *o, struct journal *j, struct match **ret);
/* The unit's name as systemctl completes it: "x" is "x.service". NULL where memory is out. */
char *log_unit_name(const char *name);
/* The invocations of the units named by the options, oldest first. */
int log_invocations(const struct log_options *o, struct journal *j, struct journal_span **ret,
                    size_t *ret_n);
/* The boot that --boot= names. -ENODATA: there is none (said). */
int log_find_boot(const struct log_options *o, struct journal *j, struct id128 *ret);

/* log_show.c */
int log_show(const struct log_options *o, struct journal *j);
/* log_top.c */
int log_top(const struct log_options *o, struct journal *j);
/* log_info.c: everything that does not show entries; exit status. */
int log_info(const struct log_options *o, struct journal *j);
/* log_files.c: the files that the options name. Returns 0, or a negative errno, having said what is
 * wrong. */
int log_open(const struct log_options *o, struct journal *j);
/* Names of namespaces whose journals there are. */
int log_list_namespaces(const struct log_options *o);
/* The folders that hold this machine's files: NULL-terminated. */
extern const char *const log_places[];
