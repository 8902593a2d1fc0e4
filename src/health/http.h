/* health/http.h -- one GET request, http or https, over TCP or a unix socket. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/time.h"
#include "health/check.h"
#include "health/tls.h"

struct url {
    bool tls;
    char *host;
    unsigned port;
    char *path; /* with the query, at least "/" */
};
void url_done(struct url *u);
/* http://HOST[:PORT][/PATH][?QUERY], https://... Returns 0, -EINVAL, -ENOMEM. A fragment is
 * dropped; user information is refused. */
int url_parse(const char *text, struct url *ret);

struct http_response {
    unsigned status;
    char *body; /* at most 256 KiB, NUL-terminated */
    size_t body_size;
};
void http_response_done(struct http_response *r);

/* Asks and reads the answer whole. unix_path: the socket to connect to in place of host and port
 * (NULL: none). On failure fills the outcome and returns a negative errno. */
int http_get(const struct url *url, const char *unix_path, const struct tls_options *tls,
             usec_t deadline, struct http_response *ret, struct check_outcome *o);
