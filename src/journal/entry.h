/* journal/entry.h -- one entry on its way through the collector. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/id128.h"
#include "base/time.h"
#include "journal/field.h"

#define ENTRY_GROUPS_MAX 6

/* Everything belongs to somebody else and lives as long as the call that is given the entry. */
struct entry {
    struct dual_time time; /* when it was received */
    int priority;
    pid_t pid;              /* 0: not known */
    uid_t owner;            /* whose journal file it goes to */
    const char *unit;       /* NULL: not known */
    const char *identifier; /* NULL: none */
    struct id128 invocation;
    const char *message; /* NULL: the entry has none */
    size_t message_length;

    /* All fields of it: groups that repeat, and those of this entry alone. */
    struct field_group *groups[ENTRY_GROUPS_MAX];
    size_t n_groups;
    const struct iovec *fields;
    size_t n_fields;
    bool unshown;  /* not on the console */
    bool unlogged; /* for tails and console only: past the rate limit, or not wanted in files */
};
