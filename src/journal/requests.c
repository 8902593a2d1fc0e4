/* What journalctl --sync, --rotate, --flush and --relinquish-var ask of the collector: the Varlink
 * interface io.systemd.Journal. Calls have no parameters that matter, so that of a message only the
 * method is looked at. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "journal/collect.h"

#define MESSAGE_MAX 4096
#define REQUESTS_MAX 32

struct request {
    struct collector *collector;
    struct request *next;
    struct event_source *io;
    int fd;
    size_t n;
    char text[MESSAGE_MAX];
};

static void request_free(struct request *q)
{
    struct request **p = &q->collector->requests;

    while (*p != q)
        p = &(*p)->next;
    *p = q->next;
    q->collector->n_requests--;
    event_source_free(q->io);
    close_fd(q->fd);
    free(q);
}

static bool asks(const char *text, const char *method)
{
    const char *p = strstr(text, "\"method\"");

    if (!p)
        return false;
    p += strlen("\"method\"");
    p += strspn(p, WHITESPACE);
    if (*p++ != ':')
        return false;
    p += strspn(p, WHITESPACE);
    size_t n = strlen(method);
    return *p == '"' && strncmp(p + 1, method, n) == 0 && p[n + 1] == '"';
}

static int perform_sync(struct store *s)
{
    store_sync(s);
    return 0;
}

static const struct {
    const char *method;
    int (*perform)(struct store *s);
} requests[] = {
    { "io.systemd.Journal.Synchronize", perform_sync },
    { "io.systemd.Journal.Rotate", store_rotate },
    { "io.systemd.Journal.FlushToVar", store_flush },
    { "io.systemd.Journal.RelinquishVar", store_relinquish },
};

/* Rotates, flushes ... as root or the collector's own user may ask. */
static const char *perform(struct collector *c, const char *text, const struct ucred *who)
{
    if (asks(text, "org.varlink.service.GetInfo"))
        return "{\"parameters\":{\"vendor\":\"reeve\",\"product\":\"reeve journald\",\"version\":"
               "\"" REEVE_VERSION "\",\"url\":\"\",\"interfaces\":[\"org.varlink.service\","
               "\"io.systemd.Journal\"]}}";
    if (who->uid != 0 && who->uid != getuid())
        return "{\"error\":\"org.varlink.service.PermissionDenied\",\"parameters\":{}}";
    /* What was sent before the request is kept before it is answered. */
    listen_drain(c);
    streams_drain(c, NULL);
    for (size_t i = 0; i < ELEMENTSOF(requests); i++) {
        if (!asks(text, requests[i].method))
            continue;
        /* Where nothing is kept in files there is nothing to do. */
        int r = c->store ? requests[i].perform(c->store) : 0;

        if (r >= 0 || r == -ENODATA)
            return "{\"parameters\":{}}";
        log_warning("%s failed: %s", requests[i].method, strerror(-r));
        return "{\"error\":\"org.varlink.service.SystemError\",\"parameters\":{}}";
    }
    return "{\"error\":\"org.varlink.service.MethodNotFound\",\"parameters\":{}}";
}

static void on_request(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    struct request *q = userdata;
    struct ucred who = { .uid = (uid_t) -1 };
    socklen_t size = sizeof who;
    ssize_t n = recv(fd, q->text + q->n, sizeof q->text - 1 - q->n, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        request_free(q);
        return;
    }
    q->n += (size_t) n;
    (void) getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size);
    while (memchr(q->text, 0, q->n)) {
        const char *answer = perform(q->collector, q->text, &who);

        /* Answers fit the socket's buffer; a client that reads none of them loses the connection.
         */
        size_t used = strlen(q->text) + 1;
        if (send(fd, answer, strlen(answer) + 1, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
            request_free(q);
            return;
        }
        memmove(q->text, q->text + used, q->n - used);
        q->n -= used;
    }
    if (q->n >= sizeof q->text - 1)
        request_free(q);
}

int request_accept(struct collector *c, int listener)
{
    auto_close int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return -errno;
    /* Whoever has waited for longest makes room: anybody may connect, and ask nothing. */
    if (c->n_requests >= REQUESTS_MAX) {
        struct request *oldest = c->requests;

        while (oldest->next)
            oldest = oldest->next;
        request_free(oldest);
    }
    struct request *q = new0(struct request, 1);
    if (!q)
        return -ENOMEM;
    int r = event_add_io(c->loop, fd, EPOLLIN, on_request, q, &q->io);
    if (r < 0) {
        free(q);
        return r;
    }
    q->collector = c;
    q->fd = take_fd(&fd);
    q->next = c->requests;
    c->requests = q;
    c->n_requests++;
    return 0;
}

void requests_done(struct collector *c)
{
    while (c->requests)
        request_free(c->requests);
}
