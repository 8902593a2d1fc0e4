/* manager/state_private.h -- what state.c and handover.c share. */
#pragma once

#include <stdint.h>

#include "base/str.h"
#include "manager/state.h"

#define STATE_VERSION 1
#define STATE_FD_MAX 65535
#define STATE_SIZE_MAX (256u << 20)

struct state_writer {
    struct strbuf text;
};

struct state_reader {
    char *text, *at;
    uint64_t open[(STATE_FD_MAX + 1) / 64]; /* descriptors that came over and were not taken */
};

/* Reads the whole file, and notes which descriptors are open. 0 or a negative errno. */
int state_reader_init(struct state_reader *r, int state_fd);
/* The next row: 1; 0 for an empty line, the end of a block; -ENODATA at the end of the file;
 * -EINVAL for a line that is no row. */
int state_next(struct state_reader *r, char **ret_key, char **ret_value);
/* Of what nobody has taken, processes that are started from now on get nothing. */
void state_reader_own_rest(struct state_reader *r);
/* Then: closes it. */
void state_reader_close_rest(struct state_reader *r);
void state_reader_done(struct state_reader *r);
