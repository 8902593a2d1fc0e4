/* health/tls.h -- a TLS client on a connected, nonblocking socket (mbedTLS). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/time.h"

struct tls;

struct tls_options {
    const char *host;              /* for SNI and the certificate's name */
    bool insecure;                 /* take any certificate */
    const char *ca;                /* file of trusted certificates; NULL: the system's */
    const char *certificate, *key; /* ours, both or neither */
};

/* Shakes hands within the deadline. Returns 0, or a negative errno with *ret_error: a text of what
 * was wrong (the caller's). The socket stays the caller's. */
int tls_connect(int fd, const struct tls_options *options, usec_t deadline, struct tls **ret,
                char **ret_error);
int tls_send(struct tls *t, const void *data, size_t n, usec_t deadline);
ssize_t tls_receive(struct tls *t, void *buffer, size_t size, usec_t deadline);
void tls_free(struct tls *t);
