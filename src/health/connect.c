#include "health/connect.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "health/resolve.h"

int host_port_parse(const char *text, char **ret_host, unsigned *ret_port)
{
    const char *colon = strrchr(text, ':');
    uint16_t port;

    if (!colon || colon == text || parse_port(colon + 1, &port) < 0)
        return -EINVAL;
    bool bracketed = text[0] == '[' && colon[-1] == ']';
    if (!bracketed && memchr(text, ':', (size_t) (colon - text)))
        return -EINVAL; /* an IPv6 address without brackets */
    char *host = bracketed ? memdup0(text + 1, (size_t) (colon - text) - 2)
                           : memdup0(text, (size_t) (colon - text));
    if (!host)
        return -ENOMEM;
    *ret_host = host;
    *ret_port = port;
    return 0;
}

int wait_for(int fd, bool write, usec_t deadline)
{
    for (;;) {
        struct pollfd p = { .fd = fd, .events = write ? POLLOUT : POLLIN };
        usec_t left = usec_sub(deadline, now_usec(CLOCK_MONOTONIC));

        if (left == 0)
            return -ETIMEDOUT;
        int r = poll(&p, 1, (int) MIN(left / USEC_PER_MSEC + 1, (usec_t) 60000));
        if (r > 0)
            return 0;
        if (r < 0 && errno != EINTR)
            return -errno;
    }
}

static int connect_address(const struct sockaddr *address, socklen_t size, usec_t deadline)
{
    auto_close int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = 0;
    socklen_t error_size = sizeof error;

    if (fd < 0)
        return -errno;
    if (connect(fd, address, size) < 0) {
        if (errno != EINPROGRESS)
            return -errno;
        int r = wait_for(fd, true, deadline);
        if (r < 0)
            return r;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size) < 0)
            return -errno;
        if (error)
            return -error;
    }
    return take_fd(&fd);
}

int connect_host(const char *host, unsigned port, usec_t deadline, enum check_class class,
                 struct check_outcome *o)
{
    union socket_address found[RESOLVE_MAX];
    char text[SOCKET_ADDRESS_TEXT_MAX];
    int n = resolve_name(host, deadline, found, NULL), r = n;

    if (n == -ENOENT)
        check_fail(o, class, true, "correct the name, or add it to DNS or /etc/hosts",
                   "the name %s does not resolve", host);
    else if (n < 0)
        check_fail(o, class, true, NULL, "the name %s was not resolved: %s", host,
                   n == -ETIMEDOUT ? "no name server answered" : strerror(-n));
    for (int i = 0; i < n; i++) {
        if (found[i].any.sa_family == AF_INET)
            found[i].v4.sin_port = htons((uint16_t) port);
        else
            found[i].v6.sin6_port = htons((uint16_t) port);
        r = connect_address(&found[i].any, socket_address_size(&found[i]), deadline);
        if (r >= 0)
            return r;
    }
    if (n > 0)
        check_fail(o, class, true,
                   r == -ECONNREFUSED ? "start what listens there, or correct the address" : NULL,
                   "%s: %s", socket_address_format(&found[n - 1], text),
                   r == -ECONNREFUSED ? "connection refused: nothing listens there" : strerror(-r));
    return r;
}

int connect_unix(const char *path, usec_t deadline, enum check_class class, struct check_outcome *o)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    size_t n = strlen(path);
    int r = -ENAMETOOLONG;

    if (n < sizeof a.sun_path) {
        memcpy(a.sun_path, path, n);
        if (*path == '@')
            a.sun_path[0] = 0;
        r = connect_address((struct sockaddr *) &a,
                            (socklen_t) (offsetof(struct sockaddr_un, sun_path) + n), deadline);
    }
    if (r >= 0)
        return r;
    check_fail(o, r == -EACCES ? CHECK_IDENTITY : class, r != -EACCES, NULL, "%s: %s", path,
               r == -ECONNREFUSED ? "the socket is there, but nothing listens on it"
               : r == -ENOENT     ? "there is no such socket"
                                  : strerror(-r));
    return r;
}

int connect_any(const char *where, unsigned default_port, usec_t deadline, enum check_class class,
                struct check_outcome *o)
{
    auto_free char *host = NULL;
    unsigned port = default_port;

    if (*where == '/' || *where == '@')
        return connect_unix(where, deadline, class, o);
    if (host_port_parse(where, &host, &port) < 0) {
        check_fail(o, CHECK_FILE, false, NULL, "%s is neither HOST:PORT nor a path", where);
        return -EINVAL;
    }
    return connect_host(host, port, deadline, class, o);
}

int send_all(int fd, const void *data, size_t n, usec_t deadline)
{
    const char *p = data;

    while (n > 0) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (k < 0) {
            if (errno == EINTR)
                continue;
            if (errno != EAGAIN)
                return -errno;
            int r = wait_for(fd, true, deadline);
            if (r < 0)
                return r;
            continue;
        }
        p += k;
        n -= (size_t) k;
    }
    return 0;
}

ssize_t receive_some(int fd, void *buffer, size_t size, usec_t deadline)
{
    for (;;) {
        ssize_t k = recv(fd, buffer, size, MSG_DONTWAIT);

        if (k >= 0)
            return k;
        if (errno == EINTR)
            continue;
        if (errno != EAGAIN)
            return -errno;
        int r = wait_for(fd, false, deadline);
        if (r < 0)
            return r;
    }
}

int receive_exactly(int fd, void *buffer, size_t size, usec_t deadline)
{
    char *p = buffer;

    while (size > 0) {
        ssize_t k = receive_some(fd, p, size, deadline);

        if (k < 0)
            return (int) k;
        if (k == 0)
            return -ECONNRESET;
        p += k;
        size -= (size_t) k;
    }
    return 0;
}

void check_argument_done(struct check_argument *a)
{
    free(a->main);
    for (size_t i = 0; i < ELEMENTSOF(a->values); i++)
        free(a->values[i]);
    *a = (struct check_argument){};
}

/* Where the next ",NAME" of a known option begins, or the end of the text. */
static const char *next_option(const char *text, const char *const *names, size_t *ret_index)
{
    for (const char *comma = text; (comma = strchr(comma, ',')); comma++)
        for (size_t i = 0; names[i]; i++) {
            const char *rest = startswith(comma + 1, names[i]);

            if (rest && (*rest == '=' || *rest == ',' || *rest == 0)) {
                *ret_index = i;
                return comma;
            }
        }
    return text + strlen(text);
}

int check_argument_parse(const char *text, const char *const *names, struct check_argument *ret)
{
    _cleanup_(check_argument_done) struct check_argument a = {};
    size_t index = 0;
    const char *at = next_option(text, names, &index);

    if (!(a.main = memdup0(text, (size_t) (at - text))))
        return -ENOMEM;
    while (*at) {
        const char *value = at + 1 + strlen(names[index]);
        size_t this = index;

        value += *value == '=';
        at = next_option(value, names, &index);
        free(a.values[this]);
        if (!(a.values[this] = memdup0(value, (size_t) (at - value))))
            return -ENOMEM;
    }
    *ret = a;
    a = (struct check_argument){};
    return 0;
}
