/* journal/console.h -- the copy of all output on the console: a container's standard output.
 *
 * Whoever reads it may be slow, or not there. Lines are buffered within bounds; what does not fit
 * is dropped, counted, and the count shown as soon as there is room. The descriptor is inherited,
 * so O_NONBLOCK, which would reach every other process that has it, is never set on it: it is
 * opened anew where that can be, sent to as a socket where it is one, else served by a child. */
#pragma once

#include <stdint.h>

#include "event/event.h"
#include "journal/collector.h"
#include "journal/entry.h"

struct console;

/* Writes to `fd`, which stays the caller's. Returns 0 or a negative errno; NULL in *ret for
 * CONSOLE_NONE or a descriptor that is closed or /dev/null. */
int console_new(struct event_loop *loop, int fd, enum console_mode mode, bool color,
                struct console **ret);
/* Writes what is buffered, for at most `timeout`, and frees it. NULL is allowed. */
void console_free(struct console *c, usec_t timeout);

/* Adds one entry; entries without a message are left out. NULL is allowed. */
void console_add(struct console *c, const struct entry *e);
/* Writes what the reader takes now, before what was shown is taken out of its socket; the loop does
 * so anyhow before it waits. NULL is allowed. */
void console_flush(struct console *c);
uint64_t console_dropped(const struct console *c);
