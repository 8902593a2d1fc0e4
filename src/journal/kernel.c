/* What the kernel says. Of a machine, not of a container, whose host's it would be: only the
 * collector of an init reads it, and only where it may. */
#include "journal/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "journal/collect.h"
#include "journal/syslog.h"

#define RECORD_MAX 16384
#define RECORDS_AT_ONCE 128

static int hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "\xNN", in place; returns the length. */
static size_t unescape(char *text, size_t n)
{
    size_t to = 0;

    for (size_t i = 0; i < n; i++) {
        if (n - i >= 4 && text[i] == '\\' && text[i + 1] == 'x' && hex(text[i + 2]) >= 0 &&
            hex(text[i + 3]) >= 0) {
            text[to++] = (char) (hex(text[i + 2]) << 4 | hex(text[i + 3]));
            i += 3;
        } else {
            text[to++] = text[i];
        }
    }
    return to;
}

int kernel_record_parse(char *data, size_t n, struct kernel_record *ret)
{
    struct kernel_record r = { 0 };
    char *semicolon = memchr(data, ';', n), *end;

    if (!semicolon)
        return -EBADMSG;
    *semicolon = 0;
    unsigned long priority = strtoul(data, &end, 10);
    if (end == data || *end != ',' || priority > (LOG_FACMASK | LOG_PRIMASK))
        return -EBADMSG;
    r.priority = (int) priority;
    r.number = strtoull(end + 1, &end, 10);
    if (*end != ',')
        return -EBADMSG;
    r.at = strtoull(end + 1, &end, 10);
    if (*end != ',' && *end)
        return -EBADMSG;

    r.text = semicolon + 1;
    size_t left = n - (size_t) (r.text - data);
    char *line = memchr(r.text, '\n', left);
    r.length = unescape(r.text, line ? (size_t) (line - r.text) : left);
    while (line && r.n_keys < KERNEL_KEYS_MAX) {
        char *key = line + 1;

        left = n - (size_t) (key - data);
        line = memchr(key, '\n', left);
        size_t length = line ? (size_t) (line - key) : left;
        char *equal = memchr(key, '=', length);
        if (length < 2 || *key != ' ' || !equal ||
            !field_name_valid(key + 1, (size_t) (equal - key) - 1, false))
            continue;
        r.keys[r.n_keys++] = (struct kernel_key){ key + 1, unescape(key + 1, length - 1) };
    }
    *ret = r;
    return 0;
}

/* What is told of a record that is kept: strings of its fields. */
static void keep(struct collector *c, const struct kernel_record *r)
{
    struct field_group all = { 0 };
    struct entry e = {
        .time = { event_loop_now(c->loop, CLOCK_REALTIME),
                  event_loop_now(c->loop, CLOCK_MONOTONIC) },
        .priority = LOG_PRI(r->priority),
        .identifier = "kernel",
        .message = r->text,
        .message_length = r->length,
        .groups = { &c->machine, &c->priorities[LOG_PRI(r->priority)], &all },
        .n_groups = 3,
        .unshown = true, /* the kernel has a console of its own */
    };
    auto_free char *identifier = NULL;

    field_add(&all, "_TRANSPORT", "kernel");
    field_addf(&all, "_SOURCE_BOOTTIME_TIMESTAMP", "%ju", (uintmax_t) r->at);
    field_addf(&all, "_SOURCE_MONOTONIC_TIMESTAMP", "%ju", (uintmax_t) r->at);
    field_addf(&all, "SYSLOG_FACILITY", "%d", LOG_FAC(r->priority));
    for (size_t i = 0; i < r->n_keys; i++) {
        const char *equal = memchr(r->keys[i].text, '=', r->keys[i].length);
        auto_free char *name = format("_KERNEL_%.*s", (int) (equal - r->keys[i].text),
                                      r->keys[i].text);

        if (name)
            field_add_n(&all, name, equal + 1,
                        r->keys[i].length - (size_t) (equal + 1 - r->keys[i].text));
    }
    if (LOG_FAC(r->priority) != 0) {
        /* Of a program: "identifier[pid]: text". */
        struct syslog_message m;

        syslog_parse(r->text, r->length, &m);
        identifier = m.identifier_length > 0 ? memdup0(m.identifier, m.identifier_length) : NULL;
        e.identifier = identifier;
        if (identifier) {
            e.message = m.text;
            e.message_length = m.length;
        }
        if (m.pid_length > 0)
            field_add_n(&all, "SYSLOG_PID", m.pid, m.pid_length);
    }
    field_add(&all, "SYSLOG_IDENTIFIER", e.identifier);
    field_add_n(&all, "MESSAGE", e.message, e.message_length);
    collector_submit(c, &e);
    field_group_done(&all);
}

static void record_read(struct collector *c, char *data, size_t n)
{
    struct kernel_record r;

    if (kernel_record_parse(data, n, &r) < 0 || r.number < c->kernel_next)
        return;
    if (c->kernel_next > 0 && r.number > c->kernel_next)
        log_warning("Missed %ju kernel messages", (uintmax_t) (r.number - c->kernel_next));
    c->kernel_next = r.number + 1;
    /* Our own come back. */
    if (r.length > 0 && (LOG_FAC(r.priority) == 0 || !c->config.forward_kmsg))
        keep(c, &r);
}

static void on_kernel(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    struct collector *c = userdata;
    char data[RECORD_MAX];

    for (int i = 0; i < RECORDS_AT_ONCE; i++) {
        ssize_t n = read(fd, data, sizeof data - 1);

        if (n < 0 && (errno == EPIPE || errno == EINTR || errno == EINVAL))
            continue; /* some were overwritten before they were read */
        if (n < 0 && errno == EAGAIN)
            break;
        if (n <= 0) {
            event_source_disable(s); /* never again, and not without end */
            break;
        }
        data[n] = 0;
        record_read(c, data, (size_t) n);
    }
    /* After a restart it goes on behind the last one. */
    if (c->kernel_number_fd >= 0)
        (void) !pwrite(c->kernel_number_fd, &c->kernel_next, sizeof c->kernel_next, 0);
}

int kernel_open(struct collector *c)
{
    const char *path = c->options->kernel_log;

    if (!path || !c->config.read_kmsg)
        return 0;
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    if (c->options->socket_dir)
        (void) mkdir_all(c->options->socket_dir, 0755);
    auto_free char *number = path_join(strempty(c->options->socket_dir), "kernel-seqnum", NULL);
    if (number && c->options->socket_dir)
        c->kernel_number_fd = open(number, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (c->kernel_number_fd >= 0 && pread(c->kernel_number_fd, &c->kernel_next,
                                          sizeof c->kernel_next, 0) != sizeof c->kernel_next)
        c->kernel_next = 0;
    int r = event_add_io(c->loop, fd, EPOLLIN, on_kernel, c, &c->kernel_io);
    if (r < 0)
        return r;
    c->kernel_fd = take_fd(&fd);
    return 0;
}

void kernel_done(struct collector *c)
{
    event_source_free(c->kernel_io);
    close_fd(c->kernel_fd);
    close_fd(c->kernel_number_fd);
}
