/* health/resolve.h -- names to addresses without the C library's resolver.
 *
 * The binary is static and never calls getaddrinfo(), which would load the machine's NSS modules.
 * /etc/hosts and the name servers of resolv.conf(5) are asked here; what they do not know is asked
 * of getent(1), if there is one. Blocks until the deadline at most. */
#pragma once

#include <stddef.h>

#include "base/sockets.h"
#include "base/time.h"

#define RESOLVE_MAX 16

/* Resolves `name` (a host name or a literal address, IPv6 with or without brackets) into at most
 * RESOLVE_MAX addresses with port 0. `*ret_source` (may be NULL) says who answered: a static text.
 * Returns their number, at least 1; -ENOENT if the name does not exist; -ETIMEDOUT if no name
 * server answered; another negative errno. */
int resolve_name(const char *name, usec_t deadline, union socket_address ret[static RESOLVE_MAX],
                 const char **ret_source);

/* For tests: the folder that stands for / (hosts and resolv.conf below it), and the port of name
 * servers. NULL and 0 restore the usual. */
void resolve_set_root(const char *root, unsigned port);

/* One DNS message: the query for `name` (type 1 A, 28 AAAA) into `buffer`; its size or -EINVAL. */
int dns_build_query(const char *name, unsigned id, unsigned type, unsigned char buffer[static 512]);
/* Reads the addresses of an answer to it. Returns their number, -ENOENT (no such name), -ENODATA
 * (no such record), -EBADMSG, -EAGAIN (the server failed). */
int dns_read_answer(const unsigned char *data, size_t n, unsigned id, unsigned type,
                    union socket_address *ret, size_t most);
