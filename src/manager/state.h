/* manager/state.h -- state that outlives the manager's process.
 *
 * A text of lines "key=value" in a memfd: a version line, the manager's own rows, then one block a
 * unit ("unit=NAME" ... an empty line). Values are escaped, so that they are one line each.
 * Descriptors are kept by number: the next process finds them, open, under the number written, and
 * closes those that nobody takes. docs/architecture.md, "State survives". */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/id128.h"
#include "base/macro.h"
#include "base/time.h"

struct state_writer;
struct state_reader;

/* A failed write is remembered and told once, at the end, by the one who began. NULL and empty
 * values are left out, as are 0, USEC_INFINITY, null ids and -1 descriptors where noted (*). */
void state_write(struct state_writer *w, const char *key, const char *value); /* (*) */
void state_writef(struct state_writer *w, const char *key, const char *fmt, ...) _printf_(3, 4);
void state_write_u64_always(struct state_writer *w, const char *key, uint64_t value);
void state_write_i64_always(struct state_writer *w, const char *key, int64_t value);
void state_write_u64(struct state_writer *w, const char *key, uint64_t value);      /* (*) */
void state_write_i64(struct state_writer *w, const char *key, int64_t value);       /* (*) */
void state_write_bool(struct state_writer *w, const char *key, bool value);         /* (*) */
void state_write_time(struct state_writer *w, const char *key, struct dual_time t); /* (*) */
void state_write_id(struct state_writer *w, const char *key, struct id128 id);      /* (*) */
/* The descriptor stays the caller's; it is open in the next process. What it is is written as well,
 * by its inode: a manager that crashes may have closed it since, and have another one of the same
 * number, which is not taken for it. */
#define STATE_FD_TEXT_MAX 48
const char *state_fd_text(int fd, char text[static STATE_FD_TEXT_MAX]);
void state_write_fd(struct state_writer *w, const char *key, int fd); /* (*) */

/* One value back. Return 0 or -EINVAL, *ret untouched. */
int state_read_u64(const char *value, uint64_t *ret);
int state_read_i64(const char *value, int64_t *ret);
int state_read_bool(const char *value, bool *ret);
int state_read_time(const char *value, struct dual_time *ret);
int state_read_id(const char *value, struct id128 *ret);
/* The descriptor, the caller's (close-on-exec again). -EBADF if it did not come over, or is another
 * one. The same value can be taken once. */
int state_take_fd(struct state_reader *r, const char *value, int *ret);
