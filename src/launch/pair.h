/* launch/pair.h -- a socket pair as a place to leave a descriptor in (struct spawn_runtime). */
#pragma once

#include <stddef.h>

/* Only one process of the unit at a time; ends with the process. 0 or a negative errno. */
int pair_lock(const int pair[2]);
void pair_unlock(const int pair[2]);

/* Takes the descriptor out: it, or -EAGAIN where there is none. `data`, if not NULL, receives up to
 * *n bytes that were left with it. */
int pair_take_data(const int pair[2], void *data, size_t *n);
int pair_put_data(const int pair[2], int fd, const void *data, size_t n);
#define pair_take(pair) pair_take_data((pair), NULL, NULL)
#define pair_put(pair, fd) pair_put_data((pair), (fd), NULL, 0)
