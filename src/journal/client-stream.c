/* Output streams, as the manager makes them. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "journal/client-inside.h"

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
    if (s->rate_interval > 0)
        wire_put_u64(&m, "RATE_INTERVAL", s->rate_interval);
    if (s->rate_burst > 0)
        wire_put_u64(&m, "RATE_BURST", s->rate_burst);
    if (s->parse)
        wire_put_u64(&m, "PARSE", (uint64_t) s->parse);
    wire_put_u64(&m, "TO_JOURNAL", s->to_journal);
    wire_put_u64(&m, "TO_CONSOLE", s->to_console);
    wire_put_u64(&m, "TO_KMSG", s->to_kmsg);
    for (char *const *f = s->extra_fields; f && *f; f++)
        wire_put(&m, "EXTRA", *f);
    for (char *const *f = s->filter_patterns; f && *f; f++)
        wire_put(&m, **f == '~' ? "DENY" : "ALLOW", *f + (**f == '~'));
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
