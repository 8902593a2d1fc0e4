/* journal/tail.h -- the beginning and the end of each invocation's output, in bounded memory.
 *
 * What `status` shows and `why` proves with, whatever became of the journal files. Each invocation
 * keeps its first and its last 64 KiB as long as all of them together stay below the limit; past it
 * the largest give way first, then the oldest that ended well. Of each unit the newest invocations
 * are kept, and the first failing one of a series. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/map.h"
#include "journal/client.h"
#include "journal/entry.h"

struct tail_invocation;

struct tails {
    struct map units;                        /* name -> struct tail_unit */
    struct tail_invocation *newest, *oldest; /* all, by their last line */
    size_t size, limit;
};

void tails_init(struct tails *t, size_t limit);
void tails_done(struct tails *t);

/* Keeps the entry if it has a unit and a message. Entries without an invocation go to the unit's
 * newest. */
void tails_add(struct tails *t, const struct entry *e);
void tails_ended(struct tails *t, const char *unit, struct id128 invocation, bool failed);
void tails_series_end(struct tails *t, const char *unit);

/* Calls `fn` for each line asked for, oldest first. Returns 0, -ENOENT, or what fn returned that
 * was negative. */
int tails_query(const struct tails *t, const char *unit, struct id128 invocation,
                enum collector_tail_part part, unsigned max_lines,
                int (*fn)(const struct collector_line *line, void *userdata), void *userdata);
