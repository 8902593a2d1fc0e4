/* journal/retention.h -- units whose entries are kept for another time, or in other room, than the
 * rest: sections [X-Unit PATTERN...] of journald.conf, which systemd passes over.
 *
 * Their entries have files of their own, "system@NAME.journal", which are rotated and deleted by
 * limits of their own; every reader finds them beside the others. */
#pragma once

#include <stdint.h>

#include "base/time.h"

struct retention {
    char **patterns;
    char *file;       /* name of its files, without ".journal" */
    uint64_t max_use; /* MaxUse=; 0: as for all */
    usec_t max_age;   /* MaxRetentionSec=; 0: as for all */
};

struct retentions {
    struct retention **all;
    size_t n, allocated;
};

void retentions_done(struct retentions *r);
/* The section with these patterns, separated by white space; a new one if there is none. NULL where
 * memory is out. A name without a suffix is that of a service. */
struct retention *retention_get(struct retentions *r, const char *patterns);
/* The first one that the unit (may be NULL) matches, or NULL. */
struct retention *retention_of(const struct retentions *r, const char *unit);
