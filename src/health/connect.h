/* health/connect.h -- connections under a deadline, for checks and probes. All block at most until
 * the deadline (CLOCK_MONOTONIC). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/sockets.h"
#include "base/time.h"
#include "health/check.h"

/* "HOST:PORT" or "[V6]:PORT" into its parts; the host is the caller's. Returns 0 or -EINVAL. */
int host_port_parse(const char *text, char **ret_host, unsigned *ret_port);

/* "[ADDR:]PORT[/udp]"; NULL, or what is wrong with it. */
const char *port_argument_parse(const char *argument, bool *ret_udp, union socket_address *ret);

/* "HOST:PORT", a path or "@NAME"; NULL, or what is wrong with it. */
const char *refuse_address(const char *argument);

/* The first line of a file that holds a password, a new string; NULL with the outcome filled. */
char *read_secret(const char *path, struct check_outcome *o);

/* Resolves and connects, one address after the other. On failure fills the outcome (as a failure of
 * `class`, with who holds nothing there) and returns a negative errno; else the descriptor, which
 * is nonblocking and the caller's. */
int connect_host(const char *host, unsigned port, usec_t deadline, enum check_class class,
                 struct check_outcome *o);
/* The same for a unix stream socket; a leading "@" is an abstract one. */
int connect_unix(const char *path, usec_t deadline, enum check_class class,
                 struct check_outcome *o);
/* One or the other: a text that begins with "/" or "@" is a path. */
int connect_any(const char *where, unsigned default_port, usec_t deadline, enum check_class class,
                struct check_outcome *o);

/* Sends all, receives up to size bytes (0 at the end of the stream). Negative errno, -ETIMEDOUT. */
int send_all(int fd, const void *data, size_t n, usec_t deadline);
ssize_t receive_some(int fd, void *buffer, size_t size, usec_t deadline);
int receive_exactly(int fd, void *buffer, size_t size, usec_t deadline);

/* Waits until the descriptor can be read (or written). 0, -ETIMEDOUT, negative errno. */
int wait_for(int fd, bool write, usec_t deadline);

/* A check's argument: what stands before the first ",NAME=" and the values of those options. The
 * names that the kind knows are given, NULL-terminated; an option may lack "=VALUE". */
struct check_argument {
    char *main;
    char *values[8]; /* in the order of the names; NULL: not given, "" for one without a value */
};
void check_argument_done(struct check_argument *a);
/* Returns 0 or -ENOMEM. What is no known option belongs to the value before it (URLs have commas).
 */
int check_argument_parse(const char *text, const char *const *names, struct check_argument *ret);
