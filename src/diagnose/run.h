/* diagnose/run.h -- a program's output, under a deadline. */
#pragma once

#include <stddef.h>

#include "base/str.h"
#include "base/time.h"

/* Runs argv (argv[0] looked up in $PATH, or a path) with standard input from /dev/null, and returns
 * what it wrote to standard output, at most `max` bytes, as a new NUL-terminated string (standard
 * error is dropped). Returns the exit status (0..255), 128 + N where a signal ended it, -ENOENT
 * where the program does not exist, -ETIMEDOUT (it was killed), or another negative errno. */
int run_program(const char *const *argv, size_t max, usec_t timeout, char **ret_output,
                size_t *ret_size);

/* Reads until the end, `max` bytes or the deadline. Returns 0, -ETIMEDOUT or another negative
 * errno. */
int drain_until(int fd, size_t max, usec_t timeout, struct strbuf *b);
