/* journal/store.h -- where entries are kept: the journal files of this machine, their rotation and
 * their limits (journald.conf(5)). */
#pragma once

#include <stdbool.h>

#include "base/id128.h"
#include "base/time.h"
#include "event/event.h"
#include "journal/entry.h"
#include "journal/retention.h"

/* Limits of one place: 0 means what systemd takes by default, from the size of the file system. */
struct store_limits {
    uint64_t max_use, keep_free, max_file_size;
    uint64_t max_files; /* 0: 100 */
};

enum store_storage { STORE_AUTO, STORE_PERSISTENT, STORE_VOLATILE, STORE_NONE, STORE_STORAGE_MAX };

struct store_options {
    enum store_storage storage;
    const char *volatile_dir, *persistent_dir; /* NULL: that place is not used */
    struct store_limits runtime, system;
    bool compact, split_users;
    size_t compress_threshold;                         /* 0: 512, SIZE_MAX: never */
    usec_t max_retention, max_file_age, sync_interval; /* 0: never (max_file_age: a month) */
    struct retentions *retentions;                     /* of some units, the caller's; NULL: none */
    struct id128 machine, boot;
};

struct store;

/* Opens the system's journal. A place that cannot be written to is told (log_warning) and done
 * without: then the volatile one, then none, is used. Returns 0 or -ENOMEM. */
int store_new(struct event_loop *loop, const struct store_options *options, struct store **ret);
/* Closes all files, synced. NULL is allowed. */
void store_free(struct store *s);

/* Keeps one entry. It is on disk at once for priorities up to LOG_CRIT, else after sync_interval.
 * Returns 0, -ENODATA where nothing is kept anywhere, or what made it impossible (a full disk),
 * which is logged once until it works again. */
int store_append(struct store *s, struct entry *e);

/* How many bytes may still be written before old files have to go; looked at every half minute. */
uint64_t store_available(struct store *s, usec_t now);

/* All of it to disk, now. */
void store_sync(struct store *s);
/* New files in place of those that have entries; then old ones are deleted by the limits. */
int store_rotate(struct store *s);
void store_vacuum(struct store *s);
/* From the volatile place to the persistent one, with what was kept so far; -ENODATA where there is
 * nothing to do. */
int store_flush(struct store *s);
/* The way back, for what is written from now on: the persistent place can be unmounted then. */
int store_relinquish(struct store *s);
