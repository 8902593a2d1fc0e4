#include "journal/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "journal/client-inside.h"

#define QUEUE_MESSAGE_MAX (128u << 10)
#define CONNECTIONS_MAX 16384

const struct collector_stream_settings collector_stream_defaults = {
    .facility = LOG_DAEMON,
    .priority = LOG_INFO,
    .level_prefix = true,
    .level_max = -1,
    .to_journal = true,
};

/* ---- receiving ---- */

static void stream_free(struct collector_stream *s)
{
    if (s->pending)
        s->client->n_streams_pending--;
    close_fd(s->fd);
    packet_done(&s->hello);
    free(s);
}

static void handle_stream_end(struct collector_client *c, uint64_t id)
{
    struct collector_stream *s = map_remove_u64(&c->streams, id);

    if (!s)
        return;
    if (s->on_end)
        s->on_end(s, s->userdata);
    stream_free(s);
}

static void stored_free(struct collector_client *c, struct stored *s)
{
    if (s->pending)
        c->n_stored_pending--;
    if (s->key & STREAM_CONNECTION)
        c->n_connections--;
    event_source_free(s->accept);
    close_fd(s->fd);
    packet_done(&s->packet);
    free(s);
}

static void on_connection(struct event_source *s, int fd, uint32_t revents, void *userdata);

/* Takes the packet over, and the descriptor. What was kept by that key is replaced. */
int client_stored_add(struct collector_client *c, uint64_t key, struct packet *packet, int *fd,
                      bool pending)
{
    struct stored *old = map_remove_u64(&c->stored, key);
    struct stored *s = new0(struct stored, 1);
    struct wire_in items = { .data = packet->data,
                             .size = packet->size,
                             .position = sizeof(struct wire_head) };
    struct wire_item item;
    int r = 0;

    if (old)
        stored_free(c, old);
    if (!s)
        return -ENOMEM;
    *s = (struct stored){ .key = key, .fd = take_fd(fd), .packet = *packet, .pending = pending };
    *packet = (struct packet){ 0 };
    c->n_stored_pending += s->pending;
    c->n_connections += (key & STREAM_CONNECTION) != 0;
    while (r >= 0 && wire_next(&items, &item)) {
        if (wire_item_is(&item, "ACCEPT") && !s->accept)
            r = event_add_io(c->loop, s->fd, EPOLLIN, on_connection, c, &s->accept);
    }
    if (r >= 0)
        r = map_put_u64(&c->stored, key, s);
    if (r < 0)
        stored_free(c, s);
    return r;
}

/* Keeps the descriptor and, unread, what belongs to it. */
static void handle_store(struct collector_client *c, struct wire_in *in)
{
    struct wire_head head = { .version = WIRE_VERSION, .type = WIRE_STORED, .id = in->head.id };
    struct packet packet = { memdup0(in->data, in->size), in->size };

    if (!packet.data)
        return;
    memcpy(packet.data, &head, sizeof head);
    (void) client_stored_add(c, in->head.id, &packet, &in->fd, false);
    packet_done(&packet);
}

/* Connections must not use up the descriptors that starting a unit takes. */
static size_t connections_max(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return CONNECTIONS_MAX;
    return (size_t) MIN(files.rlim_cur / 2, (rlim_t) CONNECTIONS_MAX);
}

static int keep_connection(struct collector_client *c, int *fd)
{
    auto_wire struct wire_out m = { 0 };
    struct packet packet = { 0 };
    uint64_t key = STREAM_CONNECTION | c->next_id++;
    bool full = c->n_connections >= connections_max();

    if (full && !c->refusing)
        log_warning("%zu programs are connected to the journal, no more are accepted",
                    c->n_connections);
    c->refusing = full;
    if (full)
        return -EBUSY;
    wire_begin(&m, WIRE_STORED, key);
    int r = packet_from(&m, &packet);
    if (r >= 0)
        r = client_stored_add(c, key, &packet, fd, true);
    packet_done(&packet);
    return r;
}

/* A program connects to have its output kept. Accepted by us, the connection is not lost with any
 * collector. One that cannot be kept is closed. */
static void on_connection(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    struct collector_client *c = userdata;

    for (int i = 0; i < 64; i++) {
        auto_close int connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (connection < 0) {
            if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
                event_source_disable(s); /* no descriptors or memory: only a while later */
                event_source_set_time_relative(c->retry, USEC_PER_SEC);
            }
            break;
        }
        (void) keep_connection(c, &connection);
    }
    client_flush(c);
}

static void handle_barrier_done(struct collector_client *c, uint64_t token)
{
    for (struct collector_barrier *b = c->barriers; b; b = b->next) {
        if (b->token != token)
            continue;
        collector_barrier_callback callback = b->callback;
        void *userdata = b->userdata;
        collector_barrier_cancel(b);
        callback(0, userdata);
        return;
    }
}

static struct query *query_find(struct collector_client *c, uint64_t token)
{
    for (struct query *q = c->queries; q; q = q->next) {
        if (q->token == token)
            return q;
    }
    return NULL;
}

static void handle_tail_line(struct collector_client *c, struct wire_in *in)
{
    struct query *q = query_find(c, in->head.id);
    struct collector_line line = { .priority = LOG_INFO, .identifier = "", .text = "" };
    auto_free char *identifier = NULL, *text = NULL;
    struct wire_item item;

    if (!q)
        return;
    while (wire_next(in, &item)) {
        if (wire_item_is(&item, "REALTIME"))
            line.realtime = wire_item_u64(&item);
        else if (wire_item_is(&item, "MONOTONIC"))
            line.monotonic = wire_item_u64(&item);
        else if (wire_item_is(&item, "PRIORITY"))
            line.priority = (int) wire_item_u64(&item) & LOG_PRIMASK;
        else if (wire_item_is(&item, "PID"))
            line.pid = (pid_t) wire_item_u64(&item);
        else if (wire_item_is(&item, "INVOCATION"))
            line.invocation = wire_item_id128(&item);
        else if (wire_item_is(&item, "IDENTIFIER") && !identifier) {
            identifier = memdup0(item.value, item.length);
        } else if (wire_item_is(&item, "TEXT") && !text) {
            text = memdup0(item.value, item.length);
            line.length = text ? item.length : 0;
        }
    }
    if (identifier)
        line.identifier = identifier;
    if (text)
        line.text = text;
    q->callback(&line, 0, q->userdata);
}

static void handle_tail_end(struct collector_client *c, struct wire_in *in)
{
    struct query *q = query_find(c, in->head.id);
    struct wire_item item;
    int r = 0;

    if (!q)
        return;
    while (wire_next(in, &item)) {
        if (wire_item_is(&item, "ERROR"))
            r = -(int) wire_item_u64(&item);
    }
    collector_tail_callback callback = q->callback;
    void *userdata = q->userdata;
    collector_query_cancel(c, q->token);
    callback(NULL, r, userdata);
}

static void handle_counters(struct collector_client *c, struct wire_in *in)
{
    struct wire_item item;

    while (wire_next(in, &item)) {
        if (wire_item_is(&item, "CONSOLE_DROPPED"))
            c->counters.console_dropped_lines = wire_item_u64(&item);
        else if (wire_item_is(&item, "RATE_LIMITED"))
            c->counters.rate_limited_lines = wire_item_u64(&item);
        else if (wire_item_is(&item, "LINES"))
            c->counters.lines = wire_item_u64(&item);
    }
}

static void handle_message(struct collector_client *c, struct wire_in *in)
{
    switch (in->head.type) {
    case WIRE_READY:
        if (in->head.id == c->epoch && c->running && !c->ready) {
            c->ready = true;
            if (c->on_ready)
                c->on_ready(c->on_ready_userdata);
        }
        break;
    case WIRE_STREAM_END:
        handle_stream_end(c, in->head.id);
        break;
    case WIRE_STORE:
        handle_store(c, in);
        break;
    case WIRE_UNSTORE: {
        struct stored *s = map_remove_u64(&c->stored, in->head.id);

        if (s)
            stored_free(c, s);
        break;
    }
    case WIRE_BARRIER_DONE:
        handle_barrier_done(c, in->head.id);
        break;
    case WIRE_TAIL_LINE:
        handle_tail_line(c, in);
        break;
    case WIRE_TAIL_END:
        handle_tail_end(c, in);
        break;
    case WIRE_COUNTERS:
        handle_counters(c, in);
        break;
    default:
        break; /* of a newer version */
    }
}

/* At most `max` messages, so that a chatty collector cannot keep the manager from its other work.
 */
static void receive(struct collector_client *c, int max)
{
    for (int i = 0; i < max; i++) {
        struct wire_in in;
        int r = wire_receive(c->manager_fd, c->buffer, false, &in);

        if (r == -EBADMSG)
            continue;
        if (r <= 0)
            break;
        handle_message(c, &in);
        close_fd(in.fd);
    }
}

static void on_readable(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    receive(userdata, 64);
    client_flush(userdata);
}

/* Before a collector is given everything: what the one before has said of it. */
static void hand_over(struct event_source *source, void *userdata)
{
    struct collector_client *c = userdata;
    struct collector_stream *s;
    struct stored *stored;

    receive(c, 16 * 1024);
    if (c->hello_pending) {
        c->n_streams_pending = c->n_stored_pending = c->n_barriers_pending = 0;
        MAP_FOREACH (s, &c->streams) {
            s->pending = true;
            s->handed = false;
            c->n_streams_pending++;
        }
        MAP_FOREACH (stored, &c->stored) {
            stored->pending = true;
            c->n_stored_pending++;
        }
        for (struct collector_barrier *b = c->barriers; b; b = b->next) {
            b->sent = false;
            c->n_barriers_pending++;
        }
    }
    client_flush(c);
}

/* ---- the client ---- */

static void fail_queries(struct event_source *s, void *userdata)
{
    struct collector_client *c = userdata;

    for (struct query *q = c->queries; q;) {
        if (!q->failed) {
            q = q->next;
            continue;
        }
        collector_tail_callback callback = q->callback;
        void *data = q->userdata;
        collector_query_cancel(c, q->token);
        callback(NULL, -ECONNRESET, data);
        q = c->queries; /* the callback may have changed the list */
    }
}

/* May be called again where it failed. */
int client_attach(struct collector_client *c)
{
    int r = 0;

    if (!c->io)
        r = event_add_io(c->loop, c->manager_fd, EPOLLIN, on_readable, c, &c->io);
    if (r >= 0 && !c->retry)
        r = event_add_time(c->loop, CLOCK_MONOTONIC, USEC_INFINITY, client_on_retry, c, &c->retry);
    if (r >= 0 && !c->failed_queries)
        r = event_add_post(c->loop, fail_queries, c, &c->failed_queries);
    if (r >= 0 && !c->hand_over)
        r = event_add_post(c->loop, hand_over, c, &c->hand_over);
    if (r >= 0)
        event_source_disable(c->failed_queries);
    return r;
}

struct collector_client *client_alloc(struct event_loop *loop)
{
    struct collector_client *c = new0(struct collector_client, 1);

    if (!c)
        return NULL;
    c->loop = loop;
    c->manager_fd = c->child_fd = c->spill_fd = -1;
    c->next_id = c->next_token = 1;
    c->queue_tail = &c->queue;
    c->buffer = malloc(WIRE_MESSAGE_MAX);
    if (!c->buffer) {
        free(c);
        return NULL;
    }
    return c;
}

int collector_client_new(struct event_loop *loop, struct collector_client **ret)
{
    _cleanup_(auto_client_p) struct collector_client *c = client_alloc(loop);
    int pair[2];

    if (!c)
        return -ENOMEM;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    c->manager_fd = pair[0];
    c->child_fd = pair[1];
    c->spill_fd = memfd_create("reeve-unfinished-lines", MFD_CLOEXEC);
    if (c->spill_fd < 0)
        return -errno;
    int r = client_attach(c);
    if (r < 0)
        return r;
    *ret = take_ptr(c);
    return 0;
}

void collector_client_free(struct collector_client *c)
{
    struct collector_stream *s;
    struct stored *stored;

    if (!c)
        return;
    event_source_free(c->io);
    event_source_free(c->retry);
    event_source_free(c->failed_queries);
    event_source_free(c->hand_over);
    MAP_FOREACH (s, &c->streams)
        stream_free(s);
    map_done(&c->streams);
    MAP_FOREACH (stored, &c->stored)
        stored_free(c, stored);
    map_done(&c->stored);
    while (c->barriers)
        collector_barrier_cancel(c->barriers);
    while (c->queries)
        collector_query_cancel(c, c->queries->token);
    while (c->queue)
        client_queue_pop(c);
    close_fd(c->manager_fd);
    close_fd(c->child_fd);
    close_fd(c->spill_fd);
    free(c->buffer);
    free(c);
}

int collector_client_child_fd(const struct collector_client *c)
{
    return c->child_fd;
}

void collector_client_started(struct collector_client *c)
{
    c->epoch++;
    c->running = true;
    c->ready = false;
    c->hello_pending = c->taken_pending = true;
    event_source_enable(c->hand_over);
}

void collector_client_lost(struct collector_client *c)
{
    c->running = c->ready = false;
    client_queue_unread(c);
    for (struct query *q = c->queries; q; q = q->next)
        q->failed = true;
    if (c->queries)
        event_source_enable(c->failed_queries);
}

bool collector_client_ready(const struct collector_client *c)
{
    return c->ready;
}

void collector_client_on_ready(struct collector_client *c, void (*callback)(void *userdata),
                               void *userdata)
{
    c->on_ready = callback;
    c->on_ready_userdata = userdata;
}

/* ---- barriers, messages, queries ---- */

int collector_barrier_new(struct collector_client *c, const char *unit,
                          collector_barrier_callback callback, void *userdata,
                          struct collector_barrier **ret)
{
    if (!c->running)
        return -ENOTCONN;
    struct collector_barrier *b = new0(struct collector_barrier, 1);
    if (!b || !(b->unit = strdup(unit))) {
        free(b);
        return -ENOMEM;
    }
    b->client = c;
    b->token = c->next_token++;
    b->callback = callback;
    b->userdata = userdata;
    b->next = c->barriers;
    c->barriers = b;
    c->n_barriers_pending++;
    client_flush(c);
    *ret = b;
    return 0;
}

void collector_barrier_cancel(struct collector_barrier *b)
{
    struct collector_barrier **p = &b->client->barriers;

    while (*p != b)
        p = &(*p)->next;
    *p = b->next;
    if (!b->sent)
        b->client->n_barriers_pending--;
    free(b->unit);
    free(b);
}

int collector_send_message(struct collector_client *c, char *const *fields)
{
    auto_wire struct wire_out m = { 0 };

    wire_begin(&m, WIRE_MESSAGE, 0);
    for (char *const *f = fields; f && *f; f++)
        wire_put_field(&m, *f);
    int r = m.size > QUEUE_MESSAGE_MAX ? -E2BIG : client_post(c, &m, true);
    if (r < 0) {
        c->counters.messages_dropped++;
        c->dropped_unreported++;
    }
    return r;
}

void collector_invocation_ended(struct collector_client *c, const char *unit,
                                struct id128 invocation, bool failed)
{
    auto_wire struct wire_out m = { 0 };

    wire_begin(&m, WIRE_ENDED, 0);
    wire_put(&m, "UNIT", unit);
    wire_put_id128(&m, "INVOCATION", invocation);
    wire_put_u64(&m, "FAILED", failed);
    (void) client_post(c, &m, true); /* what it loses is only how long a tail is kept */
}

void collector_series_end(struct collector_client *c, const char *unit)
{
    auto_wire struct wire_out m = { 0 };

    wire_begin(&m, WIRE_SERIES_END, 0);
    wire_put(&m, "UNIT", unit);
    (void) client_post(c, &m, true);
}

int collector_query_tail(struct collector_client *c, const char *unit, struct id128 invocation,
                         enum collector_tail_part part, unsigned max_lines,
                         collector_tail_callback callback, void *userdata, uint64_t *ret_token)
{
    auto_wire struct wire_out m = { 0 };

    if (!c->running)
        return -ENOTCONN;
    struct query *q = new0(struct query, 1);
    if (!q)
        return -ENOMEM;
    q->token = c->next_token++;
    q->callback = callback;
    q->userdata = userdata;

    wire_begin(&m, WIRE_TAIL, q->token);
    wire_put(&m, "UNIT", unit);
    if (!id128_is_null(invocation))
        wire_put_id128(&m, "INVOCATION", invocation);
    wire_put_u64(&m, "PART", part);
    wire_put_u64(&m, "LINES", max_lines);
    int r = client_post(c, &m, true);
    if (r < 0) {
        free(q);
        return r;
    }
    q->next = c->queries;
    c->queries = q;
    *ret_token = q->token;
    return 0;
}

void collector_query_cancel(struct collector_client *c, uint64_t token)
{
    for (struct query **p = &c->queries; *p; p = &(*p)->next) {
        struct query *q = *p;

        if (q->token != token)
            continue;
        *p = q->next;
        free(q);
        return;
    }
}

struct collector_counters collector_client_counters(const struct collector_client *c)
{
    return c->counters;
}
