/* Streams: output that comes as a sequence of bytes, from the manager's own socket pairs and from
 * connections to the stdout socket.
 *
 * Bytes are looked at in the socket (MSG_PEEK), kept, and only then taken out of it: what a
 * collector that is killed has read is read again by the next one. In the order of a batch:
 *   1. every complete line goes to the journal, the tails and the console (as far as that takes
 * it),
 *   2. the unfinished rest goes to the spill file,
 *   3. the batch is taken out of the socket.
 * Killed before 3, the batch comes again, the only bytes that can come twice. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <syslog.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "journal/stream.h"

#define DRAIN_MAX (16u << 20)
#define TRACE_PATIENCE (2 * USEC_PER_SEC)

enum line_break { BREAK_NEWLINE, BREAK_NUL, BREAK_LINE_MAX, BREAK_EOF, BREAK_PID_CHANGE };

static const char *const line_break_fields[] = {
    [BREAK_NUL] = "_LINE_BREAK=nul",
    [BREAK_LINE_MAX] = "_LINE_BREAK=line-max",
    [BREAK_EOF] = "_LINE_BREAK=eof",
    [BREAK_PID_CHANGE] = "_LINE_BREAK=pid-change",
};

/* ---- lines ---- */

/* "<N>" at the beginning, N from 0 to 7 (sd-daemon(3)). */
static char *skip_level(char *text, size_t *n, int *priority)
{
    if (*n < 3 || text[0] != '<' || text[1] < '0' || text[1] > '7' || text[2] != '>')
        return text;
    *priority = text[1] - '0';
    *n -= 3;
    return text + 3;
}

static bool blank(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!strchr(WHITESPACE, text[i]))
            return false;
    }
    return true;
}

/* What the program says of the line's level and of itself. */
static void stream_parse(struct stream *s, const char *text, size_t n, int *priority)
{
    trace_fields(text, n, &s->parsed);
    if (s->parsed.n == 0)
        log_parse_line(s->parse, text, n, &s->parsed);
    if (s->parsed.priority >= 0)
        *priority = s->parsed.priority;
}

/* One line. It is put together with its field name in place: the MESSAGE_SPACE bytes before the
 * text are written over; they are room, or of lines that were kept already. */
static void stream_line(struct stream *s, char *text, size_t n, const struct ucred *who,
                        enum line_break why)
{
    struct collector *c = s->collector;
    struct entry e = {
        .time = { event_loop_now(c->loop, CLOCK_REALTIME),
                  event_loop_now(c->loop, CLOCK_MONOTONIC) },
        .priority = s->priority,
        .pid = who->pid,
        .owner = who->uid,
        .unit = s->unit,
        .identifier = s->identifier,
        .invocation = s->invocation,
    };
    struct iovec fields[2 + PARSED_FIELDS_MAX];

    if (s->level_prefix)
        text = skip_level(text, &n, &e.priority);
    if (blank(text, n))
        return;
    if (s->parse != LOG_PARSE_NONE)
        stream_parse(s, text, n, &e.priority);
    e.message = text;
    e.message_length = n;
    if (!stream_admits(s, &e))
        return;

    memcpy(text - MESSAGE_SPACE, "MESSAGE=", MESSAGE_SPACE);
    fields[e.n_fields++] = (struct iovec){ text - MESSAGE_SPACE, n + MESSAGE_SPACE };
    struct sender *sender = sender_get(&c->senders, who, event_loop_now(c->loop, CLOCK_MONOTONIC));
    e.groups[e.n_groups++] = &c->machine;
    e.groups[e.n_groups++] = &s->fields;
    if (s->extra.n > 0)
        e.groups[e.n_groups++] = &s->extra;
    e.groups[e.n_groups++] = &c->priorities[e.priority];
    if (sender)
        e.groups[e.n_groups++] = &sender->self;
    if (why != BREAK_NEWLINE)
        fields[e.n_fields++] = (struct iovec){ (void *) line_break_fields[why],
                                               strlen(line_break_fields[why]) };
    for (size_t i = 0; s->parse != LOG_PARSE_NONE && i < s->parsed.n; i++)
        fields[e.n_fields++] = s->parsed.fields[i];
    e.fields = fields;
    collector_submit_limited(c, &e, s->to_journal, s->to_console, s->to_kmsg, &s->rate);
}

static void partial_clear(struct stream *s)
{
    s->partial_n = 0;
    free(s->partial);
    s->partial = NULL;
    s->partial_allocated = 0;
    s->held = 0;
}

static void partial_emit(struct stream *s, const struct ucred *who, enum line_break why)
{
    size_t n = s->partial_n;

    /* Empty lines at the end of a trace are none of it. */
    while (s->held > 0 && n > 0 && s->partial[MESSAGE_SPACE + n - 1] == '\n')
        n--;
    if (n > 0)
        stream_line(s, s->partial + MESSAGE_SPACE, n, who, why);
    partial_clear(s);
}

/* Adds the beginning of a line. */
static void partial_add(struct stream *s, char *text, size_t n, const struct ucred *who)
{
    if (!grow(&s->partial, &s->partial_allocated, MESSAGE_SPACE + s->partial_n + n)) {
        /* Better two lines than none. */
        partial_emit(s, who, BREAK_LINE_MAX);
        stream_line(s, text, n, who, BREAK_LINE_MAX);
        return;
    }
    memcpy(s->partial + MESSAGE_SPACE + s->partial_n, text, n);
    s->partial_n += n;
    s->partial_pid = who->pid;
}

/* The trace that was waited for is whole: it becomes an entry, the unfinished line stays. */
static void held_emit(struct stream *s, const struct ucred *who)
{
    char *text = s->partial + MESSAGE_SPACE;
    size_t n = s->held, rest = s->partial_n > n ? s->partial_n - n - 1 : 0;

    if (n == 0)
        return;
    s->held = 0;
    while (n > 0 && text[n - 1] == '\n')
        n--;
    stream_line(s, text, n, who, BREAK_NEWLINE);
    memmove(text, text + s->partial_n - rest, rest);
    s->partial_n = rest;
    if (rest == 0)
        partial_clear(s);
}

static void on_trace_timer(struct event_source *timer, usec_t due, void *userdata)
{
    struct stream *s = userdata;
    struct ucred who = { .pid = s->partial_pid, .uid = s->peer.uid, .gid = s->peer.gid };

    held_emit(s, &who);
    s->trace = (struct trace_state){ 0 };
    console_flush(s->collector->console);
}

/* A runtime writes its trace in many pieces: the next one is waited for this long. */
static void trace_wait(struct stream *s)
{
    if (s->held == 0)
        return;
    if (s->trace_timer)
        event_source_set_time_relative(s->trace_timer, TRACE_PATIENCE);
    else
        (void) event_add_time(s->collector->loop, CLOCK_MONOTONIC,
                              usec_add(now_usec(CLOCK_MONOTONIC), TRACE_PATIENCE), on_trace_timer,
                              s, &s->trace_timer);
}

/* The beginning of a line behind a trace. */
static void held_separate(struct stream *s, const struct ucred *who)
{
    if (s->held > 0 && s->partial_n == s->held)
        partial_add(s, (char *) "\n", 1, who);
}

/* Where the line ends: at a newline or a NUL; NULL where it goes on. */
static char *line_end(char *text, size_t n, enum line_break *why)
{
    char *newline = memchr(text, '\n', n);
    char *nul = memchr(text, 0, newline ? (size_t) (newline - text) : n);

    *why = nul ? BREAK_NUL : BREAK_NEWLINE;
    return nul ? nul : newline;
}

static size_t room_in_line(const struct stream *s)
{
    size_t max = s->collector->config.line_max;

    return s->partial_n < max ? max - s->partial_n : 0;
}

/* One line, the kept beginning included, cut where it is too long. */
static void stream_whole_line(struct stream *s, char *text, size_t n, const struct ucred *who,
                              enum line_break why)
{
    size_t max = s->collector->config.line_max;

    if (s->partial_n > 0) {
        size_t room = room_in_line(s), take = MIN(n, room);

        partial_add(s, text, take, who);
        text += take;
        n -= take;
        partial_emit(s, who, n > 0 ? BREAK_LINE_MAX : why);
        if (n == 0)
            return;
    }
    for (; n > max; text += max, n -= max)
        stream_line(s, text, max, who, BREAK_LINE_MAX);
    stream_line(s, text, n, who, why);
}

/* A line of a stream whose lines are looked at: one of a trace is kept until the trace is whole.
 * Returns false where it is too long for that. */
static bool stream_trace_line(struct stream *s, char *text, size_t n, const struct ucred *who,
                              enum line_break why)
{
    size_t max = s->collector->config.line_max;

    if (s->partial_n + n + 1 >= max)
        held_emit(s, who);
    if (s->partial_n + n >= max)
        return false;
    held_separate(s, who);
    size_t begin = s->held > 0 ? s->held + 1 : 0;
    partial_add(s, text, n, who);
    if (!s->partial) {
        /* No memory, or an empty line with nothing before it. */
        s->trace = (struct trace_state){ 0 };
        return true;
    }
    enum trace_step step = trace_next(&s->trace, s->partial + MESSAGE_SPACE + begin,
                                      s->partial_n - begin);
    if (step != TRACE_GOES_ON)
        held_emit(s, who);
    if (step == TRACE_LINE)
        partial_emit(s, who, why);
    else
        s->held = s->partial_n;
    return true;
}

/* Keeps a batch: lines, then the rest. */
static void stream_feed(struct stream *s, char *text, size_t n, const struct ucred *who)
{
    size_t max = s->collector->config.line_max;

    if (s->partial_n > 0 && s->partial_pid != who->pid) {
        struct ucred before = { .pid = s->partial_pid, .uid = who->uid, .gid = who->gid };

        partial_emit(s, &before, BREAK_PID_CHANGE);
    }
    while (n > 0) {
        enum line_break why;
        char *end = line_end(text, n, &why);

        if (!end)
            break;
        if (s->parse == LOG_PARSE_NONE ||
            !stream_trace_line(s, text, (size_t) (end - text), who, why))
            stream_whole_line(s, text, (size_t) (end - text), who, why);
        n -= (size_t) (end - text) + 1;
        text = end + 1;
    }
    if (s->partial_n + n + 1 >= max)
        held_emit(s, who);
    if (n > 0)
        held_separate(s, who);
    while (s->partial_n + n >= max) {
        size_t take = room_in_line(s);

        stream_whole_line(s, text, take, who, BREAK_LINE_MAX);
        text += take;
        n -= take;
    }
    if (n > 0)
        partial_add(s, text, n, who);
    trace_wait(s);
}

/* ---- reading ---- */

void stream_free(struct stream *s)
{
    event_source_free(s->io);
    event_source_free(s->trace_timer);
    parsed_done(&s->parsed);
    close_fd(s->fd);
    spill_clear(&s->collector->spill, &s->slot);
    spill_clear(&s->collector->spill, &s->old_slot);
    map_remove_u64(&s->collector->streams, s->id);
    s->collector->n_limiting -= s->limiting;
    line_filter_done(&s->filter);
    field_group_done(&s->fields);
    field_group_done(&s->extra);
    free(s->stream_id);
    free(s->unit);
    free(s->slice);
    free(s->cgroup);
    free(s->identifier);
    free(s->partial);
    free(s);
}

void stream_end(struct stream *s)
{
    auto_wire struct wire_out m = { 0 };
    struct ucred who = { .pid = s->partial_pid, .uid = s->peer.uid, .gid = s->peer.gid };

    partial_emit(s, &who, BREAK_EOF);
    wire_begin(&m, s->connection ? WIRE_UNSTORE : WIRE_STREAM_END, s->id);
    control_send(s->collector, &m, -1);
    stream_free(s);
}

static ssize_t peek(struct stream *s, struct ucred *ret_who)
{
    union {
        struct cmsghdr head;
        uint8_t space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(64)];
    } control;
    struct iovec iov = { .iov_base = s->collector->batch + MESSAGE_SPACE, .iov_len = READ_BATCH };
    struct msghdr message = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    ssize_t n;

    do
        n = recvmsg(s->fd, &message, MSG_DONTWAIT | MSG_PEEK | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    *ret_who = s->peer;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET)
            continue;
        if (c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len >= CMSG_LEN(sizeof *ret_who)) {
            memcpy(ret_who, CMSG_DATA(c), sizeof *ret_who);
        } else if (c->cmsg_type == SCM_RIGHTS) {
            /* Nobody sends descriptors on a stream; whoever does must not fill our table. */
            for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
                int fd;

                memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
                close_fd(fd);
            }
        }
    }
    return n;
}

void stream_commit(struct stream *s, size_t n)
{
    while (n > 0) {
        ssize_t k = recv(s->fd, s->collector->batch, MIN(n, (size_t) READ_BATCH), MSG_DONTWAIT);

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return;
        n -= (size_t) k;
    }
}

/* One batch. Returns the bytes taken, 0 where there was nothing, -ENOTCONN when the stream is at
 * its end (and freed). */
static ssize_t stream_read(struct stream *s, bool hung_up)
{
    struct ucred who;
    ssize_t n = peek(s, &who);

    if (n == -EAGAIN)
        return 0;
    if (n <= 0) {
        stream_end(s);
        return -ENOTCONN;
    }
    char *text = (char *) s->collector->batch + MESSAGE_SPACE;
    size_t used = 0;
    if (!s->header_done) {
        used = stream_header(s, text, (size_t) n);
        if (used == 0 && (hung_up || (size_t) n >= HEADER_MAX)) {
            stream_end(s);
            return -ENOTCONN;
        }
        if (used == 0)
            return 0; /* waits, edge-triggered, in the socket */
    }
    /* The order is what makes a collector that is killed at any point lose nothing: spill.h. */
    struct spill_batch batch = { 0 };
    bool hashed = s->slot >= 0;
    if (hashed) {
        batch = spill_batch_of(text, (size_t) n);
        (void) spill_until(&s->collector->spill, s->slot, batch);
        s->old_slot = s->slot;
        s->slot = -1;
    }
    bool unfinished = s->partial_n > 0 || text[n - 1] != '\n' || s->parse != LOG_PARSE_NONE;
    if (unfinished && !hashed)
        batch = spill_batch_of(text, (size_t) n);
    stream_feed(s, text + used, (size_t) n - used, &who);
    if (s->partial_n > 0 &&
        spill_keep(&s->collector->spill, s->id, s->partial_pid, s->partial + MESSAGE_SPACE,
                   s->partial_n, batch, &s->slot) < 0)
        log_debug("No memory is left to keep the unfinished line of %s", strempty(s->unit));
    console_flush(s->collector->console);
    stream_commit(s, (size_t) n);
    spill_clear(&s->collector->spill, &s->old_slot);
    return n;
}

void stream_readable(struct event_source *io, int fd, uint32_t revents, void *userdata)
{
    struct stream *s = userdata;
    struct collector *c = s->collector;
    uint64_t id = s->id;

    /* What the manager has said of the start comes before the first words. */
    if (!s->begun) {
        s->begun = true;
        control_drain(c);
        if (map_get_u64(&c->streams, id) != s)
            return; /* a barrier was among it, and the stream is at its end */
    }
    (void) stream_read(s, revents & (EPOLLHUP | EPOLLERR));
}

/* Reads what is in the socket now, and no more, so that a stream that is written to all the time
 * comes to an end as well. Returns false where the stream is at its end (and freed). */
static bool stream_drain(struct stream *s)
{
    int queued = 0;
    char next;

    if (ioctl(s->fd, FIONREAD, &queued) < 0)
        return true;
    for (size_t left = MIN((size_t) queued, (size_t) DRAIN_MAX); left > 0;) {
        ssize_t n = stream_read(s, false);

        if (n <= 0)
            return n == 0;
        left -= MIN(left, (size_t) n);
    }
    /* The last line may have no end but that of the stream. */
    return recv(s->fd, &next, 1, MSG_PEEK | MSG_DONTWAIT) != 0 || stream_read(s, true) >= 0;
}

void streams_drain(struct collector *c, const char *unit)
{
    struct stream *s;

    MAP_FOREACH (s, &c->streams) {
        if ((!unit || streq_ptr(s->unit, unit)) && stream_drain(s) && s->held > 0)
            on_trace_timer(s->trace_timer, 0, s);
    }
}
