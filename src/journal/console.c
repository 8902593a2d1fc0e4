#include "journal/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/hash.h"
#include "base/str.h"
#include "journal/json.h"

#define BUFFER_MAX (256u * 1024)

struct console {
    struct event_source *writable; /* NULL: the descriptor cannot be waited for, and never blocks */
    struct event_source *flush;    /* once a turn of the loop, so that lines go out together */
    enum console_mode mode;
    bool color, is_socket;
    int fd;
    struct strbuf buffer;
    size_t written; /* of the buffer */
    uint64_t dropped, dropped_unreported;
    struct strbuf line; /* scratch */
};

/* ---- where to write ---- */

/* The child that writes for us where nothing else can be done without blocking. It ends when we
 * do. */
static _noreturn_ void relay(int from, int to)
{
    char buffer[16384];

    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, SIG_IGN); /* it ends after the last byte that we wrote */
    prctl(PR_SET_NAME, "reeve-console");
    for (;;) {
        ssize_t n = read(from, buffer, sizeof buffer);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || fd_write_all(to, buffer, (size_t) n) < 0)
            _exit(0);
    }
}

static int open_relay(int fd)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid < 0) {
        int saved = errno;

        close_fd(pair[0]);
        close_fd(pair[1]);
        return -saved;
    }
    if (pid == 0) {
        /* Nothing else of ours may be held open by it: streams would have no end. */
        int from = dup2(pair[1], 0), to = fd == 1 ? 1 : dup2(fd, 1);

        if (from < 0 || to < 0 || close_range(2, ~0U, 0) < 0)
            _exit(1);
        relay(from, to);
    }
    close_fd(pair[1]);
    return pair[0];
}

static int open_output(struct console *c, int fd, const struct stat *st)
{
    char path[40];

    if (S_ISSOCK(st->st_mode)) {
        c->is_socket = true;
        return fcntl(fd, F_DUPFD_CLOEXEC, 3);
    }
    if (S_ISREG(st->st_mode))
        return fcntl(fd, F_DUPFD_CLOEXEC, 3);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own >= 0)
        return own;
    c->is_socket = true;
    return open_relay(fd);
}

/* ---- writing ---- */

static bool pending(const struct console *c)
{
    return c->written < c->buffer.length;
}

/* Writes what the reader takes; true where nothing is left or can ever be written. */
static bool write_some(struct console *c)
{
    while (pending(c)) {
        const char *p = c->buffer.text + c->written;
        size_t left = c->buffer.length - c->written;
        ssize_t n = c->is_socket ? send(c->fd, p, left, MSG_DONTWAIT | MSG_NOSIGNAL)
                                 : write(c->fd, p, left);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return false;
        if (n < 0) {
            /* The reader is gone (EPIPE) or the disk full: what is buffered is lost, what comes may
             * not be. */
            c->dropped++;
            break;
        }
        c->written += (size_t) n;
    }
    strbuf_clear(&c->buffer);
    c->written = 0;
    return true;
}

static void report_dropped(struct console *c)
{
    if (c->dropped_unreported == 0)
        return;
    if (c->mode == CONSOLE_JSON)
        strbuf_addf(&c->buffer,
                    "{\"SYSLOG_IDENTIFIER\":\"reeve\",\"PRIORITY\":\"4\","
                    "\"MESSAGE\":\"%ju lines are not shown: the console is too slow\"}\n",
                    (uintmax_t) c->dropped_unreported);
    else
        strbuf_addf(&c->buffer, "reeve: %ju lines are not shown: the console is too slow\n",
                    (uintmax_t) c->dropped_unreported);
    c->dropped_unreported = 0;
}

void console_flush(struct console *c)
{
    if (!c)
        return;
    bool empty = write_some(c);

    if (empty && c->dropped_unreported > 0) {
        report_dropped(c);
        empty = write_some(c);
    }
    /* Disabled, not waiting for nothing: a reader that is gone would wake us without end. */
    if (c->writable && empty)
        event_source_disable(c->writable);
    else if (c->writable)
        event_source_enable(c->writable);
}

static void on_writable(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    console_flush(userdata);
}

static void on_flush(struct event_source *s, void *userdata)
{
    console_flush(userdata);
}

/* ---- what is written ---- */

static void add_plain(struct console *c, const struct entry *e)
{
    static const char *const colors[] = { "36", "33", "32", "35", "34", "96", "93", "92", "95" };
    /* The manager calls itself systemd in the journal, for the tools that look for it there. */
    const char *identifier = e->identifier && !streq(e->identifier, "systemd") ? e->identifier
                                                                               : "reeve";
    const char *who = e->unit ? e->unit : identifier;
    const char *suffix = endswith(who, ".service");
    int n = suffix ? (int) (suffix - who) : (int) strlen(who);
    const char *text = e->message;

    /* Each line of a message of several is told whose it is. */
    for (size_t left = e->message_length;;) {
        const char *newline = memchr(text, '\n', left);
        size_t length = newline ? (size_t) (newline - text) : left;

        if (c->color)
            strbuf_addf(&c->line, "\033[%sm%.*s:\033[0m ",
                        colors[hash_bytes(who, (size_t) n) % ELEMENTSOF(colors)], n, who);
        else
            strbuf_addf(&c->line, "%.*s: ", n, who);
        strbuf_add_n(&c->line, text, length);
        strbuf_add_char(&c->line, '\n');
        if (!newline)
            break;
        left -= length + 1;
        text = newline + 1;
    }
}

static void json_member(struct strbuf *b, const char *name, const char *value)
{
    if (!value)
        return;
    strbuf_addf(b, ",\"%s\":", name);
    json_add_value(b, value, strlen(value));
}

static void add_json(struct console *c, const struct entry *e)
{
    char id[ID128_TEXT_MAX];

    strbuf_addf(&c->line, "{\"__REALTIME_TIMESTAMP\":\"%ju\",\"PRIORITY\":\"%d\"",
                (uintmax_t) e->time.realtime, e->priority);
    json_member(&c->line, "_SYSTEMD_UNIT", e->unit);
    if (!id128_is_null(e->invocation))
        json_member(&c->line, "_SYSTEMD_INVOCATION_ID", id128_format(e->invocation, id));
    json_member(&c->line, "SYSLOG_IDENTIFIER", e->identifier);
    if (e->pid > 0)
        strbuf_addf(&c->line, ",\"_PID\":\"%d\"", e->pid);
    strbuf_add(&c->line, ",\"MESSAGE\":");
    json_add_value(&c->line, e->message, e->message_length);
    strbuf_add(&c->line, "}\n");
}

void console_add(struct console *c, const struct entry *e)
{
    if (!c || !e->message)
        return;
    strbuf_clear(&c->line);
    if (c->mode == CONSOLE_JSON)
        add_json(c, e);
    else
        add_plain(c, e);

    if (c->line.failed || c->buffer.length - c->written + c->line.length > BUFFER_MAX) {
        c->line.failed = false;
        c->dropped++;
        c->dropped_unreported++;
        return;
    }
    if (c->written > BUFFER_MAX) {
        memmove(c->buffer.text, c->buffer.text + c->written, c->buffer.length - c->written);
        c->buffer.length -= c->written;
        c->written = 0;
    }
    strbuf_add_n(&c->buffer, c->line.text, c->line.length);
    if (c->buffer.failed) {
        c->buffer.failed = false;
        c->dropped++;
        c->dropped_unreported++;
    }
    event_source_enable(c->flush);
}

uint64_t console_dropped(const struct console *c)
{
    return c ? c->dropped : 0;
}

/* ---- its life ---- */

static void console_close(struct console *c)
{
    event_source_free(c->writable);
    event_source_free(c->flush);
    close_fd(c->fd);
    strbuf_done(&c->buffer);
    strbuf_done(&c->line);
    free(c);
}

DEFINE_AUTO(struct console, console, console_close)

int console_new(struct event_loop *loop, int fd, enum console_mode mode, bool color,
                struct console **ret)
{
    struct stat st;

    if (mode == CONSOLE_NONE || fstat(fd, &st) < 0 ||
        (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))) {
        *ret = NULL;
        return 0;
    }
    _cleanup_(auto_console_p) struct console *c = new0(struct console, 1);
    if (!c)
        return -ENOMEM;
    c->mode = mode;
    c->color = color;
    c->fd = open_output(c, fd, &st);
    if (c->fd < 0)
        return c->fd == -1 ? -errno : c->fd;
    int r = event_add_io(loop, c->fd, EPOLLOUT, on_writable, c, &c->writable);
    if (r < 0 && r != -EPERM)
        return r;
    r = event_add_post(loop, on_flush, c, &c->flush);
    if (r < 0)
        return r;
    *ret = take_ptr(c);
    return 0;
}

void console_free(struct console *c, usec_t timeout)
{
    if (!c)
        return;
    usec_t end = usec_add(now_usec(CLOCK_MONOTONIC), timeout);
    while (!write_some(c)) {
        struct pollfd p = { .fd = c->fd, .events = POLLOUT };
        usec_t left = usec_sub(end, now_usec(CLOCK_MONOTONIC));

        if (left == 0 || poll(&p, 1, (int) ((left + 999) / 1000)) <= 0)
            break;
    }
    console_close(c);
}
