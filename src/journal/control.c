/* The collector's end of the channel to the manager (client.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "journal/collect.h"
#include "journal/rate.h"

/* The manager reads all the time, and what it is told is little: waiting for it is shorter than any
 * queue. It never waits for us, so this cannot become a deadlock. */
void control_send(struct collector *c, struct wire_out *m, int fd)
{
    if (c->control_fd < 0)
        return;
    for (int i = 0; i < 500; i++) {
        if (wire_send(c->control_fd, m, fd) != -EAGAIN)
            return;
        usleep(10 * 1000);
    }
    log_warning("The manager does not read what the collector tells it");
}

void control_counters(struct collector *c)
{
    auto_wire struct wire_out m = { 0 };

    wire_begin(&m, WIRE_COUNTERS, 0);
    wire_put_u64(&m, "CONSOLE_DROPPED", console_dropped(c->console));
    wire_put_u64(&m, "RATE_LIMITED", c->n_rate_limited);
    wire_put_u64(&m, "LINES", c->n_lines);
    control_send(c, &m, -1);
}

static void handle_hello(struct collector *c, struct wire_in *in)
{
    if (in->fd >= 0 && c->epoch == 0) {
        int r = spill_open(&c->spill, in->fd);

        if (r < 0)
            log_warning("Unfinished lines of the collector before cannot be read: %s",
                        strerror(-r));
        else
            take_fd(&in->fd);
    }
    c->epoch = in->head.id;
}

static void handle_stored(struct collector *c, struct wire_in *in)
{
    int r = -EINVAL;

    if (in->fd < 0)
        return;
    if (in->head.id & STREAM_CONNECTION)
        r = stream_take_connection(c, in->head.id, in->fd, in);
    else if (in->head.id & STORED_LISTENER)
        r = listen_take(c, in->head.id, in->fd);
    if (r >= 0)
        take_fd(&in->fd);
}

static void handle_taken(struct collector *c, struct wire_in *in)
{
    auto_wire struct wire_out m = { 0 };

    if (in->head.id != c->epoch)
        return;
    if (!c->taken) {
        c->taken = true;
        streams_adopted(c);
        (void) listen_open(c); /* it has said what could not be bound */
    }
    wire_begin(&m, WIRE_READY, c->epoch);
    control_send(c, &m, -1);
}

static void handle_barrier(struct collector *c, struct wire_in *in)
{
    auto_wire struct wire_out m = { 0 };
    auto_free char *unit = NULL;
    struct wire_item item;

    while (wire_next(in, &item)) {
        if (wire_item_is(&item, "UNIT") && !unit)
            unit = memdup0(item.value, item.length);
    }
    listen_drain(c);
    if (unit)
        streams_drain(c, unit);
    wire_begin(&m, WIRE_BARRIER_DONE, in->head.id);
    control_send(c, &m, -1);
}

static int message_priority(const struct wire_item *item)
{
    return item->length == 1 && item->value[0] >= '0' && item->value[0] <= '7'
               ? item->value[0] - '0'
               : LOG_INFO;
}

static void handle_message(struct collector *c, struct wire_in *in)
{
    auto_free char *identifier = NULL;
    auto_free struct iovec *fields = NULL;
    size_t allocated = 0;
    struct wire_item item;
    struct entry e = {
        .time = { event_loop_now(c->loop, CLOCK_REALTIME),
                  event_loop_now(c->loop, CLOCK_MONOTONIC) },
        .priority = LOG_INFO,
        .pid = c->manager.pid,
    };

    while (wire_next(in, &item)) {
        if (!field_name_valid(item.name, item.name_length, false))
            continue;
        if (!grow(&fields, &allocated, e.n_fields + 2))
            return;
        fields[e.n_fields++] = (struct iovec){ (void *) item.field, item.field_length };
        if (wire_item_is(&item, "MESSAGE")) {
            e.message = item.value;
            e.message_length = item.length;
        } else if (wire_item_is(&item, "PRIORITY")) {
            e.priority = message_priority(&item);
        } else if (wire_item_is(&item, "SYSLOG_IDENTIFIER") && !identifier) {
            identifier = memdup0(item.value, item.length);
        }
    }
    if (e.n_fields == 0)
        return;
    if (!identifier) {
        static const char text[] = "SYSLOG_IDENTIFIER=systemd";

        fields[e.n_fields++] = (struct iovec){ (void *) text, sizeof text - 1 };
    }
    e.identifier = identifier ? identifier : "systemd";
    e.fields = fields;
    struct sender *sender = sender_get(&c->senders, &c->manager,
                                       event_loop_now(c->loop, CLOCK_MONOTONIC));
    e.groups[e.n_groups++] = &c->machine;
    e.groups[e.n_groups++] = &c->manager_fields;
    if (sender) {
        e.groups[e.n_groups++] = &sender->self;
        e.groups[e.n_groups++] = &sender->place;
    }
    collector_submit(c, &e);
}

struct unit_event {
    char *unit;
    struct id128 invocation;
    uint64_t failed, part, lines;
};

static void read_unit_event(struct wire_in *in, struct unit_event *v)
{
    struct wire_item item;

    while (wire_next(in, &item)) {
        if (wire_item_is(&item, "UNIT") && !v->unit)
            v->unit = memdup0(item.value, item.length);
        else if (wire_item_is(&item, "INVOCATION"))
            v->invocation = wire_item_id128(&item);
        else if (wire_item_is(&item, "FAILED"))
            v->failed = wire_item_u64(&item);
        else if (wire_item_is(&item, "PART"))
            v->part = wire_item_u64(&item);
        else if (wire_item_is(&item, "LINES"))
            v->lines = wire_item_u64(&item);
    }
}

struct tail_answer {
    struct collector *collector;
    uint64_t token;
};

static int answer_line(const struct collector_line *line, void *userdata)
{
    struct tail_answer *a = userdata;
    auto_wire struct wire_out m = { 0 };

    wire_begin(&m, WIRE_TAIL_LINE, a->token);
    wire_put_u64(&m, "REALTIME", line->realtime);
    wire_put_u64(&m, "MONOTONIC", line->monotonic);
    wire_put_u64(&m, "PRIORITY", (uint64_t) line->priority);
    wire_put_u64(&m, "PID", (uint64_t) line->pid);
    wire_put(&m, "IDENTIFIER", line->identifier);
    wire_put_id128(&m, "INVOCATION", line->invocation);
    wire_put_bytes(&m, "TEXT", line->text, line->length);
    control_send(a->collector, &m, -1);
    return 0;
}

static void handle_tail(struct collector *c, struct wire_in *in, struct unit_event *v)
{
    struct tail_answer answer = { c, in->head.id };
    auto_wire struct wire_out m = { 0 };
    int r = -EINVAL;

    if (v->unit && v->part < COLLECTOR_TAIL_PART_MAX)
        r = tails_query(&c->tails, v->unit, v->invocation, (enum collector_tail_part) v->part,
                        (unsigned) v->lines, answer_line, &answer);
    wire_begin(&m, WIRE_TAIL_END, in->head.id);
    wire_put_u64(&m, "ERROR", (uint64_t) (r < 0 ? -r : 0));
    control_send(c, &m, -1);
}

static void handle_unit_event(struct collector *c, struct wire_in *in)
{
    struct unit_event v = { 0 };

    read_unit_event(in, &v);
    if (in->head.type == WIRE_TAIL)
        handle_tail(c, in, &v);
    else if (v.unit && in->head.type == WIRE_ENDED)
        tails_ended(&c->tails, v.unit, v.invocation, v.failed != 0);
    else if (v.unit)
        tails_series_end(&c->tails, v.unit);
    free(v.unit);
}

static void handle(struct collector *c, struct wire_in *in)
{
    switch (in->head.type) {
    case WIRE_HELLO:
        handle_hello(c, in);
        break;
    case WIRE_STREAM:
        if (stream_take(c, in) == -ENOMEM)
            log_error("No memory is left for a stream");
        break;
    case WIRE_STORED:
        handle_stored(c, in);
        break;
    case WIRE_TAKEN:
        handle_taken(c, in);
        break;
    case WIRE_BARRIER:
        handle_barrier(c, in);
        break;
    case WIRE_MESSAGE:
        handle_message(c, in);
        break;
    case WIRE_ENDED:
    case WIRE_SERIES_END:
    case WIRE_TAIL:
        handle_unit_event(c, in);
        break;
    default:
        break; /* of a newer manager */
    }
}

static void on_control(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    struct collector *c = userdata;

    for (int i = 0; i < 64; i++) {
        struct wire_in in;
        /* Looked at first: a message that is not yet kept is there for the next collector. */
        int r = wire_receive(fd, c->packet, true, &in);

        if (r == -EBADMSG)
            continue;
        if (r == -EAGAIN)
            break;
        if (r <= 0) {
            /* The manager is gone for good. What the streams hold is read; then nobody is left to
             * write to them. */
            c->control_io = event_source_free(c->control_io);
            c->control_fd = close_fd(c->control_fd);
            streams_drain(c, NULL);
            event_loop_exit(c->loop, 0);
            break;
        }
        /* A barrier reads datagrams, into the same buffer, and a stream that made a collector crash
         * must not do so again and again: only an entry stays until it is kept. */
        if (in.head.type != WIRE_MESSAGE)
            wire_drop(fd);
        handle(c, &in);
        if (in.head.type == WIRE_MESSAGE)
            wire_drop(fd);
        close_fd(in.fd);
    }
}

void control_drain(struct collector *c)
{
    if (c->control_fd >= 0)
        on_control(c->control_io, c->control_fd, EPOLLIN, c);
}

int control_attach(struct collector *c, int fd)
{
    socklen_t n = sizeof c->manager;

    int r = event_add_io(c->loop, fd, EPOLLIN, on_control, c, &c->control_io);
    if (r < 0)
        return r;
    c->control_fd = fd;
    (void) getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c->manager, &n);
    return 0;
}
