/* The client's state as text, for the manager that executes itself anew. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "journal/client-inside.h"

static void save_packet(struct strbuf *b, const struct packet *p)
{
    strbuf_add_hex(b, p->data, p->size);
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
    r = client_stored_add(c, key, &packet, &fd, pending);
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
            r = client_queue(c, &packet);
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
