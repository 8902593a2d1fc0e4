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
#include "base/map.h"
#include "base/str.h"
#include "event/event.h"
#include "journal/wire.h"

#define QUEUE_BYTES_MAX (4u << 20)
#define QUEUE_MESSAGE_MAX (128u << 10)
#define CONNECTIONS_MAX 16384
#define RETRY_DELAY (20 * USEC_PER_MSEC)

const struct collector_stream_settings collector_stream_defaults = {
    .facility = LOG_DAEMON,
    .priority = LOG_INFO,
    .level_prefix = true,
    .level_max = -1,
    .rate_interval = USEC_INFINITY,
    .to_journal = true,
};

/* A message in its final form. */
struct packet {
    uint8_t *data;
    size_t size;
};

struct collector_stream {
    struct collector_client *client;
    uint64_t id;
    int fd;              /* duplicate of the collector's end */
    ino_t inode;         /* of the service's end */
    struct packet hello; /* WIRE_STREAM with the settings */
    bool pending;        /* hello has to be sent */
    bool handed;         /* this collector has the descriptor */
    void (*on_end)(struct collector_stream *s, void *userdata);
    void *userdata;
};

/* What the collector asked us to keep: a listening socket, a connection. */
struct stored {
    uint64_t key;
    int fd;
    struct packet packet; /* WIRE_STORED */
    bool pending;
    struct event_source *accept; /* of a listening socket whose connections we accept */
};

struct collector_barrier {
    struct collector_client *client;
    struct collector_barrier *next;
    uint64_t token;
    char *unit;
    bool sent;
    collector_barrier_callback callback;
    void *userdata;
};

struct query {
    struct query *next;
    uint64_t token;
    bool failed; /* -ECONNRESET is still to be told */
    collector_tail_callback callback;
    void *userdata;
};

struct queued {
    struct queued *next;
    struct packet packet;
};

struct collector_client {
    struct event_loop *loop;
    struct event_source *io, *retry, *failed_queries, *hand_over;
    int manager_fd, child_fd, spill_fd;
    uint64_t epoch, next_id, next_token;
    bool running, ready, hello_pending, taken_pending;
    struct map streams, stored;
    size_t n_streams_pending, n_stored_pending, n_barriers_pending, n_connections;
    bool refusing; /* connections, and it was said */
    struct collector_barrier *barriers;
    struct query *queries;
    struct queued *queue, **queue_tail;
    size_t queue_bytes;
    uint64_t dropped_unreported;
    struct collector_counters counters;
    void (*on_ready)(void *userdata);
    void *on_ready_userdata;
    uint8_t *buffer; /* WIRE_MESSAGE_MAX, for receiving */
};

static void client_flush(struct collector_client *c);

static void packet_done(struct packet *p)
{
    free(p->data);
    *p = (struct packet){ 0 };
}

/* Takes the built message over, cut to its size. */
static int packet_from(struct wire_out *m, struct packet *ret)
{
    if (m->error)
        return m->error;
    uint8_t *data = realloc(m->data, m->size);
    if (!data)
        return -ENOMEM;
    *ret = (struct packet){ data, m->size };
    *m = (struct wire_out){ 0 };
    return 0;
}

static int packet_send(int fd, const struct packet *p, int send_fd)
{
    struct wire_out m = { .data = p->data, .size = p->size };

    return wire_send(fd, &m, send_fd);
}

/* ---- the queue ---- */

static int queue_packet(struct collector_client *c, struct packet *p)
{
    struct queued *q = new0(struct queued, 1);

    if (!q)
        return -ENOMEM;
    q->packet = *p;
    *p = (struct packet){ 0 };
    *c->queue_tail = q;
    c->queue_tail = &q->next;
    c->queue_bytes += q->packet.size;
    return 0;
}

/* What the collector that is gone has not read. Streams and the like are handed over anew; what is
 * told once goes to the head of the queue. Left where it is, the next collector would take a stream
 * as it was once, or without the memory of unfinished lines. */
static void queue_unread(struct collector_client *c)
{
    struct queued *queue = c->queue, **tail = c->queue_tail;
    struct wire_in in;
    int r;

    c->queue = NULL;
    c->queue_tail = &c->queue;
    while ((r = wire_receive(c->child_fd, c->buffer, false, &in)) == 1 || r == -EBADMSG) {
        if (r < 0)
            continue;
        if (in.head.type == WIRE_MESSAGE || in.head.type == WIRE_ENDED ||
            in.head.type == WIRE_SERIES_END) {
            struct packet p = { memdup0(in.data, in.size), in.size };

            if (!p.data || queue_packet(c, &p) < 0)
                packet_done(&p);
        }
        close_fd(in.fd);
    }
    if (queue) {
        *c->queue_tail = queue;
        c->queue_tail = tail;
    }
}

static void queue_pop(struct collector_client *c)
{
    struct queued *q = c->queue;

    c->queue = q->next;
    if (!c->queue)
        c->queue_tail = &c->queue;
    c->queue_bytes -= q->packet.size;
    packet_done(&q->packet);
    free(q);
}

static bool can_send(const struct collector_client *c)
{
    return c->running && !event_source_enabled(c->hand_over);
}

/* Sends or queues; `bounded` messages are refused where the queue is full. */
static int client_post(struct collector_client *c, struct wire_out *m, bool bounded)
{
    struct packet p = { 0 };

    if (m->error)
        return m->error;
    client_flush(c);
    if (can_send(c) && !c->queue && wire_send(c->manager_fd, m, -1) >= 0)
        return 0;
    if (bounded && c->queue_bytes + m->size > QUEUE_BYTES_MAX)
        return -ENOBUFS;
    int r = packet_from(m, &p);
    if (r >= 0)
        r = queue_packet(c, &p);
    packet_done(&p);
    client_flush(c);
    return r;
}

/* ---- sending ---- */

static int send_hello(struct collector_client *c)
{
    auto_wire struct wire_out m = { 0 };

    wire_begin(&m, WIRE_HELLO, c->epoch);
    int r = wire_send(c->manager_fd, &m, c->spill_fd);
    if (r >= 0)
        c->hello_pending = false;
    return r;
}

static int send_streams(struct collector_client *c)
{
    struct collector_stream *s;

    if (c->n_streams_pending == 0)
        return 0;
    MAP_FOREACH (s, &c->streams) {
        if (!s->pending)
            continue;
        int r = packet_send(c->manager_fd, &s->hello, s->handed ? -1 : s->fd);
        if (r < 0)
            return r;
        s->pending = false;
        s->handed = true;
        c->n_streams_pending--;
    }
    return 0;
}

static int send_stored(struct collector_client *c)
{
    struct stored *s;

    if (c->n_stored_pending == 0)
        return 0;
    MAP_FOREACH (s, &c->stored) {
        if (!s->pending)
            continue;
        int r = packet_send(c->manager_fd, &s->packet, s->fd);
        if (r < 0)
            return r;
        s->pending = false;
        c->n_stored_pending--;
    }
    return 0;
}

static int send_taken(struct collector_client *c)
{
    auto_wire struct wire_out m = { 0 };

    wire_begin(&m, WIRE_TAKEN, c->epoch);
    int r = wire_send(c->manager_fd, &m, -1);
    if (r >= 0)
        c->taken_pending = false;
    return r;
}

static int send_queue(struct collector_client *c)
{
    while (c->queue) {
        int r = packet_send(c->manager_fd, &c->queue->packet, -1);
        if (r == -EAGAIN)
            return r;
        queue_pop(c); /* sent, or never to be sent */
    }
    return 0;
}

static int send_barriers(struct collector_client *c)
{
    auto_wire struct wire_out m = { 0 };

    if (c->n_barriers_pending == 0)
        return 0;
    for (struct collector_barrier *b = c->barriers; b; b = b->next) {
        if (b->sent)
            continue;
        wire_begin(&m, WIRE_BARRIER, b->token);
        wire_put(&m, "UNIT", b->unit);
        int r = wire_send(c->manager_fd, &m, -1);
        if (r < 0)
            return r;
        b->sent = true;
        c->n_barriers_pending--;
    }
    return 0;
}

static int report_dropped(struct collector_client *c)
{
    auto_wire struct wire_out m = { 0 };
    char text[96];

    if (c->dropped_unreported == 0)
        return 0;
    snprintf(text, sizeof text, "MESSAGE=%ju messages of the manager were dropped",
             (uintmax_t) c->dropped_unreported);
    wire_begin(&m, WIRE_MESSAGE, 0);
    wire_put_field(&m, text);
    wire_put(&m, "PRIORITY", "4");
    int r = wire_send(c->manager_fd, &m, -1);
    if (r >= 0)
        c->dropped_unreported = 0;
    return r;
}

/* Everything that waits, in the order that the collector relies on: a stream before a barrier on
 * it, all of a hand-over before its end. */
static int client_send_all(struct collector_client *c)
{
    int r = 0;

    if (c->hello_pending)
        r = send_hello(c);
    if (r >= 0)
        r = send_streams(c);
    if (r >= 0)
        r = send_stored(c);
    if (r >= 0 && c->taken_pending)
        r = send_taken(c);
    if (r >= 0)
        r = send_queue(c);
    if (r >= 0)
        r = report_dropped(c);
    if (r >= 0)
        r = send_barriers(c);
    return r;
}

static void client_flush(struct collector_client *c)
{
    if (!can_send(c))
        return;
    int r = client_send_all(c);
    /* The socket can be writable and still refuse descriptors (too many in flight), or memory be
     * out: only a while later is worth a try, waiting for EPOLLOUT would spin. */
    if (r < 0)
        event_source_set_time_relative(c->retry, r == -EAGAIN ? RETRY_DELAY : USEC_PER_SEC);
}

static void on_retry(struct event_source *s, usec_t due, void *userdata)
{
    struct collector_client *c = userdata;
    struct stored *stored;

    MAP_FOREACH (stored, &c->stored) {
        if (stored->accept)
            event_source_enable(stored->accept);
    }
    client_flush(c);
}

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
static int stored_add(struct collector_client *c, uint64_t key, struct packet *packet, int *fd,
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
    (void) stored_add(c, in->head.id, &packet, &in->fd, false);
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
        r = stored_add(c, key, &packet, fd, true);
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
static int client_attach(struct collector_client *c)
{
    int r = 0;

    if (!c->io)
        r = event_add_io(c->loop, c->manager_fd, EPOLLIN, on_readable, c, &c->io);
    if (r >= 0 && !c->retry)
        r = event_add_time(c->loop, CLOCK_MONOTONIC, USEC_INFINITY, on_retry, c, &c->retry);
    if (r >= 0 && !c->failed_queries)
        r = event_add_post(c->loop, fail_queries, c, &c->failed_queries);
    if (r >= 0 && !c->hand_over)
        r = event_add_post(c->loop, hand_over, c, &c->hand_over);
    if (r >= 0)
        event_source_disable(c->failed_queries);
    return r;
}

static struct collector_client *client_alloc(struct event_loop *loop)
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

DEFINE_AUTO(struct collector_client, client, collector_client_free)

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
        queue_pop(c);
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
    queue_unread(c);
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

/* ---- streams ---- */

static int settings_packet(uint64_t id, ino_t inode, const struct collector_stream_settings *s,
                           struct packet *ret)
{
    auto_wire struct wire_out m = { 0 };

    wire_begin(&m, WIRE_STREAM, id);
    wire_put_u64(&m, "INODE", inode);
    wire_put(&m, "UNIT", s->unit);
    wire_put_id128(&m, "INVOCATION", s->invocation);
    wire_put(&m, "SLICE", s->slice);
    wire_put(&m, "CGROUP", s->cgroup);
    wire_put(&m, "IDENTIFIER", s->identifier);
    wire_put_u64(&m, "FACILITY", (uint64_t) LOG_FAC(s->facility));
    wire_put_u64(&m, "PRIORITY", (uint64_t) LOG_PRI(s->priority));
    wire_put_u64(&m, "LEVEL_PREFIX", s->level_prefix);
    if (s->level_max >= 0)
        wire_put_u64(&m, "LEVEL_MAX", (uint64_t) s->level_max);
    if (s->rate_interval != USEC_INFINITY) {
        wire_put_u64(&m, "RATE_INTERVAL", s->rate_interval);
        wire_put_u64(&m, "RATE_BURST", s->rate_burst);
    }
    if (s->parse)
        wire_put_u64(&m, "PARSE", (uint64_t) s->parse);
    wire_put_u64(&m, "TO_JOURNAL", s->to_journal);
    wire_put_u64(&m, "TO_CONSOLE", s->to_console);
    wire_put_u64(&m, "TO_KMSG", s->to_kmsg);
    for (char *const *f = s->extra_fields; f && *f; f++)
        wire_put(&m, "EXTRA", *f);
    for (char *const *f = s->filter_allow; f && *f; f++)
        wire_put(&m, "ALLOW", *f);
    for (char *const *f = s->filter_deny; f && *f; f++)
        wire_put(&m, "DENY", *f);
    return packet_from(&m, ret);
}

int collector_stream_new(struct collector_client *c,
                         const struct collector_stream_settings *settings, int *ret_service_fd,
                         struct collector_stream **ret)
{
    int pair[2], on = 1;
    struct packet hello = { 0 };
    struct stat st;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    auto_close int ours = pair[0], service = pair[1];
    /* Both before anything is written: the sender's credentials go with each byte from then on. */
    if (setsockopt(ours, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 ||
        shutdown(ours, SHUT_WR) < 0)
        return -errno;

    /* By the inode the collector knows the unit of a process that has this socket as its output. */
    if (fstat(service, &st) < 0)
        return -errno;
    int r = settings_packet(c->next_id, st.st_ino, settings, &hello);
    if (r < 0)
        return r;
    struct collector_stream *s = new0(struct collector_stream, 1);
    if (!s || map_put_u64(&c->streams, c->next_id, s) < 0) {
        free(s);
        packet_done(&hello);
        return -ENOMEM;
    }
    s->client = c;
    s->inode = st.st_ino;
    s->id = c->next_id++;
    s->fd = take_fd(&ours);
    s->hello = hello;
    s->pending = true;
    c->n_streams_pending++;
    client_flush(c);

    *ret_service_fd = take_fd(&service);
    *ret = s;
    return 0;
}

uint64_t collector_stream_id(const struct collector_stream *s)
{
    return s->id;
}

int collector_stream_update(struct collector_stream *s,
                            const struct collector_stream_settings *settings)
{
    struct packet hello = { 0 };
    int r = settings_packet(s->id, s->inode, settings, &hello);

    if (r < 0)
        return r;
    packet_done(&s->hello);
    s->hello = hello;
    if (!s->pending) {
        s->pending = true;
        s->client->n_streams_pending++;
    }
    client_flush(s->client);
    return 0;
}

void collector_stream_on_end(struct collector_stream *s,
                             void (*callback)(struct collector_stream *s, void *userdata),
                             void *userdata)
{
    s->on_end = callback;
    s->userdata = userdata;
}

void collector_stream_close(struct collector_stream *s)
{
    s->on_end = NULL;
}

struct collector_stream *collector_stream_find(struct collector_client *c, uint64_t id)
{
    return map_get_u64(&c->streams, id);
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

/* ---- saved state ---- */

static void save_packet(struct strbuf *b, const struct packet *p)
{
    for (size_t i = 0; i < p->size; i++)
        strbuf_addf(b, "%02x", p->data[i]);
    strbuf_add_char(b, '\n');
}

/* What the descriptor is, by its inode (sockets, memfds and pipes have one each); 0 if it is
 * closed.
 */
static uintmax_t inode_of(int fd)
{
    struct stat st;

    return fstat(fd, &st) < 0 ? 0 : (uintmax_t) st.st_ino;
}

char *collector_client_save(struct collector_client *c, int (*keep)(int fd, void *userdata),
                            void *userdata)
{
    auto_strbuf struct strbuf b = { 0 };
    struct collector_stream *s;
    struct stored *stored;
    int manager = keep(c->manager_fd, userdata), child = keep(c->child_fd, userdata);
    int spill = keep(c->spill_fd, userdata);

    if (manager < 0 || child < 0 || spill < 0)
        return NULL;
    strbuf_addf(&b, "client %d %d %d %ju %ju %ju %d %d %d %d\n", manager, child, spill,
                (uintmax_t) c->epoch, (uintmax_t) c->next_id, (uintmax_t) c->next_token, c->running,
                c->ready, c->hello_pending, c->taken_pending);
    MAP_FOREACH (s, &c->streams) {
        int fd = keep(s->fd, userdata);

        if (fd < 0)
            return NULL;
        strbuf_addf(&b, "stream %ju %d %d %d %ju %ju ", (uintmax_t) s->id, fd, s->pending,
                    s->handed, (uintmax_t) s->inode, inode_of(s->fd));
        save_packet(&b, &s->hello);
    }
    MAP_FOREACH (stored, &c->stored) {
        int fd = keep(stored->fd, userdata);

        if (fd < 0)
            return NULL;
        strbuf_addf(&b, "stored %ju %d %d %ju ", (uintmax_t) stored->key, fd, stored->pending,
                    inode_of(stored->fd));
        save_packet(&b, &stored->packet);
    }
    for (struct queued *q = c->queue; q; q = q->next) {
        strbuf_add(&b, "queued ");
        save_packet(&b, &q->packet);
    }
    return strbuf_take(&b);
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int restore_packet(const char *hex, struct packet *ret)
{
    size_t n = strcspn(hex, "\n") / 2;
    auto_free uint8_t *data = malloc(n + 1);

    if (!data)
        return -ENOMEM;
    if (n < sizeof(struct wire_head))
        return -EINVAL;
    for (size_t i = 0; i < n; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

        if (high < 0 || low < 0)
            return -EINVAL;
        data[i] = (uint8_t) (high << 4 | low);
    }
    *ret = (struct packet){ take_ptr(data), n };
    return 0;
}

static int restore_fd(int fd)
{
    return fd < 0 ? -EINVAL : fd_cloexec(fd, true);
}

/* A state that a crash left may be a moment old: a descriptor that it names can have been closed
 * since, and its number used for something else, which is not ours to take. */
static bool is_still(int fd, uintmax_t inode)
{
    return inode != 0 && inode_of(fd) == inode;
}

static int restore_stream(struct collector_client *c, const char *line)
{
    uintmax_t id, inode, own;
    int fd, pending, handed, at = 0;
    struct packet hello = { 0 };

    if (sscanf(line, "%ju %d %d %d %ju %ju %n", &id, &fd, &pending, &handed, &inode, &own, &at) <
            6 ||
        at == 0)
        return -EINVAL;
    if (!is_still(fd, own))
        return 0;
    int r = restore_fd(fd);
    if (r >= 0)
        r = restore_packet(line + at, &hello);
    if (r < 0)
        return r;
    struct collector_stream *s = new0(struct collector_stream, 1);
    if (!s || map_put_u64(&c->streams, id, s) < 0) {
        free(s);
        packet_done(&hello);
        return -ENOMEM;
    }
    *s = (struct collector_stream){ .client = c,
                                    .id = id,
                                    .inode = (ino_t) inode,
                                    .fd = fd,
                                    .hello = hello,
                                    .pending = pending,
                                    .handed = handed };
    c->n_streams_pending += s->pending;
    return 0;
}

static int restore_stored(struct collector_client *c, const char *line)
{
    uintmax_t key, own;
    int fd, pending, at = 0;
    struct packet packet = { 0 };

    if (sscanf(line, "%ju %d %d %ju %n", &key, &fd, &pending, &own, &at) < 4 || at == 0)
        return -EINVAL;
    if (!is_still(fd, own))
        return 0;
    int r = restore_fd(fd);
    if (r >= 0)
        r = restore_packet(line + at, &packet);
    if (r < 0)
        return r;
    r = stored_add(c, key, &packet, &fd, pending);
    packet_done(&packet);
    return r;
}

static int restore_head(struct collector_client *c, const char *line)
{
    uintmax_t epoch, next_id, next_token;
    int manager, child, spill, running, ready, hello, taken;

    if (sscanf(line, "%d %d %d %ju %ju %ju %d %d %d %d", &manager, &child, &spill, &epoch, &next_id,
               &next_token, &running, &ready, &hello, &taken) < 10)
        return -EINVAL;
    if (restore_fd(manager) < 0 || restore_fd(child) < 0 || restore_fd(spill) < 0)
        return -EINVAL;
    c->manager_fd = manager;
    c->child_fd = child;
    c->spill_fd = spill;
    c->epoch = epoch;
    /* A state that a crash left does not know of the last streams, which the collector has: their
     * numbers are not given again. */
    c->next_id = next_id + (1u << 20);
    c->next_token = next_token;
    c->running = running;
    c->ready = ready;
    c->hello_pending = hello;
    c->taken_pending = taken;
    return 0;
}

static int restore_line(struct collector_client *c, const char *line)
{
    const char *rest;
    struct packet packet = { 0 };

    if ((rest = startswith(line, "client ")))
        return restore_head(c, rest);
    if ((rest = startswith(line, "stream ")))
        return restore_stream(c, rest);
    if ((rest = startswith(line, "stored ")))
        return restore_stored(c, rest);
    if ((rest = startswith(line, "queued "))) {
        int r = restore_packet(rest, &packet);
        if (r >= 0)
            r = queue_packet(c, &packet);
        packet_done(&packet);
        return r;
    }
    return 0;
}

int collector_client_restore(struct event_loop *loop, const char *text,
                             struct collector_client **ret)
{
    if (!startswith(text, "client "))
        return -EINVAL;
    /* To give up would be to close what was handed over. */
    unsigned patience = ALLOC_PATIENCE;
    _cleanup_(auto_client_p) struct collector_client *c = NULL;
    while (!(c = client_alloc(loop)))
        if (!alloc_wait(&patience))
            return -ENOMEM;
    int r;
    for (const char *line = text; *line;) {
        const char *end = strchr(line, '\n');

        do
            r = restore_line(c, line);
        while (r == -ENOMEM && alloc_wait(&patience));
        if (r < 0)
            return r;
        line = end ? end + 1 : "";
    }
    do
        r = client_attach(c);
    while (r == -ENOMEM && alloc_wait(&patience));
    if (r < 0)
        return r;
    *ret = take_ptr(c);
    return 0;
}
