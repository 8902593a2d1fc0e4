/* Where streams come from: the manager, or a connection that says in its first lines what it is. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "journal/stream.h"

#define HEADER_LINES 7

/* ---- settings ---- */

static char *take_text(const struct wire_item *item, char *old)
{
    char *fresh = memdup0(item->value, item->length);

    if (!fresh)
        return old;
    free(old);
    return fresh;
}

static void stream_setting(struct stream *s, const struct wire_item *i)
{
    if (wire_item_is(i, "UNIT"))
        s->unit = take_text(i, s->unit);
    else if (wire_item_is(i, "SLICE"))
        s->slice = take_text(i, s->slice);
    else if (wire_item_is(i, "CGROUP"))
        s->cgroup = take_text(i, s->cgroup);
    else if (wire_item_is(i, "IDENTIFIER"))
        s->identifier = take_text(i, s->identifier);
    else if (wire_item_is(i, "STREAM_ID"))
        s->stream_id = take_text(i, s->stream_id);
    else if (wire_item_is(i, "INVOCATION"))
        s->invocation = wire_item_id128(i);
    else if (wire_item_is(i, "INODE"))
        s->inode = wire_item_u64(i);
    else if (wire_item_is(i, "FACILITY"))
        s->facility = (int) wire_item_u64(i);
    else if (wire_item_is(i, "PRIORITY"))
        s->priority = (int) wire_item_u64(i) & LOG_PRIMASK;
    else if (wire_item_is(i, "LEVEL_MAX"))
        s->level_max = (int) wire_item_u64(i) & LOG_PRIMASK;
    else if (wire_item_is(i, "LEVEL_PREFIX"))
        s->level_prefix = wire_item_u64(i);
    else if (wire_item_is(i, "PARSE"))
        s->parse = (enum log_parse) wire_item_u64(i);
    else if (wire_item_is(i, "TO_JOURNAL"))
        s->to_journal = wire_item_u64(i);
    else if (wire_item_is(i, "TO_CONSOLE"))
        s->to_console = wire_item_u64(i);
    else if (wire_item_is(i, "TO_KMSG"))
        s->to_kmsg = wire_item_u64(i);
    else if (wire_item_is(i, "RATE_INTERVAL"))
        s->rate.interval = wire_item_u64(i);
    else if (wire_item_is(i, "RATE_BURST"))
        s->rate.burst = (unsigned) wire_item_u64(i);
    else if (wire_item_is(i, "ALLOW") || wire_item_is(i, "DENY"))
        line_filter_add(&s->filter, i->value, i->length, wire_item_is(i, "DENY"));
    else if (wire_item_is(i, "EXTRA"))
        field_add_whole(&s->extra, i->value, i->length);
}

static void stream_settings(struct stream *s, struct wire_in *in)
{
    struct wire_item item;

    field_group_clear(&s->fields);
    field_group_clear(&s->extra);
    line_filter_done(&s->filter);
    s->level_max = -1;
    s->rate = (struct rate_settings){ 0 };
    while (wire_next(in, &item))
        stream_setting(s, &item);

    field_add(&s->fields, "_TRANSPORT", "stdout");
    field_add(&s->fields, "_STREAM_ID", s->stream_id);
    field_add(&s->fields, "SYSLOG_IDENTIFIER", isempty(s->identifier) ? NULL : s->identifier);
    field_addf(&s->fields, "SYSLOG_FACILITY", "%d", s->facility);
    field_add(&s->fields, "_SYSTEMD_CGROUP", s->cgroup);
    collector_add_unit(s->collector, &s->fields, s->unit, s->slice, s->invocation);

    s->collector->n_limiting -= s->limiting;
    s->limiting = s->level_max >= 0 || s->rate.interval > 0 || s->rate.burst > 0 ||
                  s->filter.n_allow > 0 || s->filter.n_deny > 0 || s->extra.n > 0;
    s->collector->n_limiting += s->limiting;
}

/* ---- where streams come from ---- */

/* What a collector before had of an unfinished line. */
static void claim_partial(struct stream *s)
{
    auto_free char *text = NULL;
    size_t n;
    pid_t pid;

    uint8_t *head = s->collector->batch;
    ssize_t head_n = recv(s->fd, head, SPILL_BATCH_MAX, MSG_DONTWAIT | MSG_PEEK);
    s->slot = spill_claim(&s->collector->spill, s->id, head, head_n > 0 ? (size_t) head_n : 0,
                          &text, &n, &pid);
    if (s->slot < 0 || !grow(&s->partial, &s->partial_allocated, MESSAGE_SPACE + n))
        return;
    memcpy(s->partial + MESSAGE_SPACE, text, n);
    s->partial_n = n;
    s->partial_pid = pid;
}

static struct stream *stream_new(struct collector *c, uint64_t id, int fd)
{
    struct stream *s = new0(struct stream, 1);
    char text[ID128_TEXT_MAX];
    socklen_t n = sizeof s->peer;

    if (!s || map_put_u64(&c->streams, id, s) < 0) {
        free(s);
        return NULL;
    }
    s->collector = c;
    s->id = id;
    s->fd = -1;
    s->slot = s->old_slot = -1;
    s->priority = LOG_INFO;
    s->facility = LOG_FAC(LOG_DAEMON);
    s->level_max = -1;
    if (event_add_io(c->loop, fd, EPOLLIN, stream_readable, s, &s->io) < 0) {
        stream_free(s);
        return NULL;
    }
    s->stream_id = strdup(id128_format(id128_random(), text));
    s->fd = fd;
    (void) getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &s->peer, &n);
    claim_partial(s);
    return s;
}

int stream_take(struct collector *c, struct wire_in *in)
{
    struct stream *s = map_get_u64(&c->streams, in->head.id);

    if (!s) {
        if (in->fd < 0)
            return -EBADF; /* it ended while its settings were changed */
        s = stream_new(c, in->head.id, in->fd);
        if (!s)
            return -ENOMEM;
        take_fd(&in->fd);
        s->header_done = true;
    }
    stream_settings(s, in);
    return 0;
}

static bool is_stream_key(uint64_t key, void *userdata)
{
    struct collector *c = userdata;

    return map_get_u64(&c->streams, key);
}

void streams_adopted(struct collector *c)
{
    spill_sweep(&c->spill, is_stream_key, c);
}

void streams_done(struct collector *c)
{
    struct stream *s;

    /* Without stream_end(): the streams go on, only this process does not. */
    MAP_FOREACH (s, &c->streams) {
        s->slot = -1;
        stream_free(s);
    }
    map_done(&c->streams);
}

static struct stream *newest_of(struct collector *c, const char *unit)
{
    struct stream *s, *newest = NULL;

    MAP_FOREACH (s, &c->streams) {
        if (!s->connection && streq_ptr(s->unit, unit) && (!newest || s->id > newest->id))
            newest = s;
    }
    return newest;
}

bool stream_find_unit(struct collector *c, const char *unit, struct stream_place *ret)
{
    const struct stream *newest = newest_of(c, unit);

    if (newest)
        *ret = (struct stream_place){ newest->unit, newest->slice, newest->invocation };
    return newest;
}

bool stream_admits(const struct stream *s, const struct entry *e)
{
    return (s->level_max < 0 || e->priority <= s->level_max) &&
           line_filter_passes(&s->filter, strempty(e->message), e->message_length);
}

void stream_submit_datagram(struct collector *c, struct entry *e)
{
    /* Few units ask for anything, and there are many streams. */
    struct stream *s = c->n_limiting > 0 && e->unit ? newest_of(c, e->unit) : NULL;
    const struct rate_settings collectors_own = { 0 };

    if (s && !stream_admits(s, e))
        return;
    if (s && s->extra.n > 0)
        e->groups[e->n_groups++] = &s->extra;
    collector_submit_limited(c, e, true, false, false, s ? &s->rate : &collectors_own);
}

bool stream_find_inode(struct collector *c, uint64_t inode, struct stream_place *ret)
{
    struct stream *s;

    MAP_FOREACH (s, &c->streams) {
        if (inode != 0 && s->inode == inode) {
            *ret = (struct stream_place){ s->unit, s->slice, s->invocation };
            return true;
        }
    }
    return false;
}

/* ---- connections: sd_journal_stream_fd(3) and what systemd's own services do ---- */

/* The manager keeps with the connection what its header said, from before the header is taken out
 * of the socket: the next collector may find it there. */
static void store_connection(struct stream *s, const char *header, size_t n)
{
    auto_wire struct wire_out m = { 0 };

    wire_begin(&m, WIRE_STORE, s->id);
    wire_put(&m, "UNIT", s->unit);
    wire_put(&m, "IDENTIFIER", s->identifier);
    wire_put(&m, "STREAM_ID", s->stream_id);
    wire_put(&m, "SLICE", s->slice);
    wire_put(&m, "CGROUP", s->cgroup);
    wire_put_id128(&m, "INVOCATION", s->invocation);
    wire_put_u64(&m, "PRIORITY", (uint64_t) s->priority);
    wire_put_u64(&m, "FACILITY", (uint64_t) s->facility);
    wire_put_u64(&m, "LEVEL_PREFIX", s->level_prefix);
    wire_put_u64(&m, "TO_JOURNAL", 1);
    wire_put_u64(&m, "TO_CONSOLE", s->to_console);
    wire_put_u64(&m, "TO_KMSG", s->to_kmsg);
    wire_put_bytes(&m, "HEADER", header, n);
    control_send(s->collector, &m, s->fd);
}

/* A header that the collector before has kept, and perhaps not taken out. */
static void drop_header(struct stream *s, const struct wire_item *header)
{
    char *there = (char *) s->collector->batch;
    ssize_t n = recv(s->fd, there, MIN(header->length, (size_t) READ_BATCH),
                     MSG_DONTWAIT | MSG_PEEK);

    if (n > 0 && (size_t) n == header->length && memcmp(there, header->value, (size_t) n) == 0)
        stream_commit(s, (size_t) n);
}

static void header_unit(struct stream *s, const char *unit)
{
    struct collector *c = s->collector;
    struct stream_place place;
    struct sender *sender;

    /* Only those who could be anybody may say who they are. */
    if (!isempty(unit) && (s->peer.uid == 0 || s->peer.uid == getuid())) {
        s->unit = strdup(unit);
        if (stream_find_unit(c, unit, &place)) {
            s->slice = place.slice ? strdup(place.slice) : NULL;
            s->invocation = place.invocation;
        }
        return;
    }
    sender = sender_get(&c->senders, &s->peer, event_loop_now(c->loop, CLOCK_MONOTONIC));
    if (sender && sender->unit)
        s->unit = strdup(sender->unit);
    /* Who connects mostly becomes another program before it writes. */
    if (sender)
        sender->read_at = 0;
}

/* The seven lines with which a connection begins: identifier, unit, priority, level prefix, and
 * whether to forward to syslog, kmsg and console. Returns its length, or 0 until it is whole. */
size_t stream_header(struct stream *s, const char *text, size_t n)
{
    char *lines[HEADER_LINES] = { 0 };
    size_t at = 0, got = 0;

    while (got < HEADER_LINES) {
        const char *end = memchr(text + at, '\n', n - at);

        if (!end)
            break;
        lines[got++] = memdup0(text + at, (size_t) (end - text) - at);
        at = (size_t) (end - text) + 1;
    }
    bool whole = got == HEADER_LINES;
    for (size_t i = 0; i < HEADER_LINES; i++)
        whole = whole && lines[i];
    if (whole) {
        unsigned priority = (unsigned) strtoul(lines[2], NULL, 10);
        struct wire_in none = { .fd = -1 };

        s->identifier = strdup(lines[0]);
        header_unit(s, lines[1]);
        s->priority = LOG_PRI(priority);
        s->facility = priority > 7 ? LOG_FAC(priority) : LOG_FAC(LOG_DAEMON);
        s->level_prefix = streq(lines[3], "1");
        s->to_journal = true;
        s->to_kmsg = streq(lines[5], "1");
        s->to_console = streq(lines[6], "1");
        s->header_done = true;
        stream_settings(s, &none);
        store_connection(s, text, at);
        event_source_set_io(s->io, EPOLLIN);
    }
    for (size_t i = 0; i < HEADER_LINES; i++)
        free(lines[i]);
    return whole ? at : 0;
}

int stream_take_connection(struct collector *c, uint64_t id, int fd, struct wire_in *stored)
{
    struct wire_item item;
    int on = 1;

    (void) setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    struct stream *s = map_get_u64(&c->streams, id);
    if (s)
        return -EEXIST;
    s = stream_new(c, id, fd);
    if (!s)
        return -ENOMEM;
    s->connection = true;
    (void) shutdown(fd, SHUT_WR);
    if (stored) {
        struct wire_in look = *stored;

        while (wire_next(&look, &item)) {
            if (!wire_item_is(&item, "HEADER"))
                continue;
            s->header_done = true;
            drop_header(s, &item);
        }
        stream_settings(s, stored);
    }
    /* Until the header is whole it stays in the socket, and only news is waited for. */
    if (!s->header_done)
        event_source_set_io(s->io, EPOLLIN | EPOLLET);
    return 0;
}
