/* What goes from the manager to the collector: at once, or through a bounded queue. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "journal/client-inside.h"

#define QUEUE_BYTES_MAX (4u << 20)
#define RETRY_DELAY (20 * USEC_PER_MSEC)

void packet_done(struct packet *p)
{
    free(p->data);
    *p = (struct packet){ 0 };
}

int packet_from(struct wire_out *m, struct packet *ret)
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

int client_queue(struct collector_client *c, struct packet *p)
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
void client_queue_unread(struct collector_client *c)
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

            if (!p.data || client_queue(c, &p) < 0)
                packet_done(&p);
        }
        close_fd(in.fd);
    }
    if (queue) {
        *c->queue_tail = queue;
        c->queue_tail = tail;
    }
}

void client_queue_pop(struct collector_client *c)
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

int client_post(struct collector_client *c, struct wire_out *m, bool bounded)
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
        r = client_queue(c, &p);
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
        client_queue_pop(c); /* sent, or never to be sent */
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

void client_flush(struct collector_client *c)
{
    if (!can_send(c))
        return;
    int r = client_send_all(c);
    /* The socket can be writable and still refuse descriptors (too many in flight), or memory be
     * out: only a while later is worth a try, waiting for EPOLLOUT would spin. */
    if (r < 0)
        event_source_set_time_relative(c->retry, r == -EAGAIN ? RETRY_DELAY : USEC_PER_SEC);
}

void client_on_retry(struct event_source *s, usec_t due, void *userdata)
{
    struct collector_client *c = userdata;
    struct stored *stored;

    MAP_FOREACH (stored, &c->stored) {
        if (stored->accept)
            event_source_enable(stored->accept);
    }
    client_flush(c);
}
