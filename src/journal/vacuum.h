/* journal/vacuum.h -- deleting old journal files. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

struct vacuum_limits {
    uint64_t max_use;   /* bytes of all files together; 0: any */
    uint64_t max_files; /* 0: any */
    usec_t not_before;  /* files whose entries are all older go; 0: any */
    /* Which files are meant; NULL: all. */
    bool (*meant)(const char *name, const void *userdata);
    const void *userdata;
};

/* Whether the name is that of an archived file, NAME@SEQNUMID-SEQNUM-TIME.journal or
 * NAME@TIME-RANDOM.journal~; of the name's file, archived or not. */
bool journal_name_is_archived(const char *file);
bool journal_name_is_of(const char *file, const char *name);

/* What the folder's files take on the disk. */
uint64_t journal_directory_use(const char *path);

/* Deletes archived files, oldest first, until the folder is
 * within the limits. Files in use are counted and never deleted. `deleted` (may be NULL) is called
 * for each. *ret_freed may be NULL. Returns 0 or a negative errno of the folder. */
int vacuum_directory(const char *path, const struct vacuum_limits *limits,
                     void (*deleted)(const char *path, uint64_t size, void *userdata),
                     void *userdata, uint64_t *ret_freed);
