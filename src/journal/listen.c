/* The sockets that programs know by their path: native messages, syslog, connections for streams.
 *
 * A datagram is looked at, kept, and only then taken out of its socket, and the manager has a
 * duplicate of each socket: what waits in it is there for the next collector. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "journal/collect.h"
#include "journal/native.h"
#include "journal/syslog.h"

#define DATAGRAM_MAX (16u << 20)
#define PAYLOAD_MAX (64u << 20)
#define DRAIN_DATAGRAMS 4096
#ifndef SO_PASSPIDFD /* Linux 6.5 */
#define SO_PASSPIDFD 76
#define SCM_PIDFD 4
#endif
#define QUEUE_MAX (64u * 1024) /* more wait in no socket */
#define RECEIVE_BUFFER (8 << 20)

enum listener { LISTENER_NATIVE = 1, LISTENER_SYSLOG, LISTENER_STDOUT, LISTENER_VARLINK };

/* ---- entries ---- */

struct datagram {
    char *data;
    size_t n;
    struct ucred who;
    usec_t sent_at; /* SCM_TIMESTAMP; 0: not known */
    int fd;         /* a payload, or -1 */
    int pidfd;      /* of the sender, if it was asked for, or -1 */
};

/* What each entry of a datagram has: who sent it, how, when. */
static void entry_begin(struct collector *c, const struct datagram *d, struct entry *e)
{
    *e = (struct entry){
        .time = { event_loop_now(c->loop, CLOCK_REALTIME),
                  event_loop_now(c->loop, CLOCK_MONOTONIC) },
        .priority = LOG_INFO,
        .pid = d->who.pid,
        .owner = d->who.uid,
    };
    e->groups[e->n_groups++] = &c->machine;
    struct sender *s = sender_get(&c->senders, &d->who, e->time.monotonic);
    if (!s)
        return;
    e->groups[e->n_groups++] = &s->self;
    e->groups[e->n_groups++] = &s->place;
    e->unit = s->unit;
    size_t n;
    const char *id = field_get(&s->place, "_SYSTEMD_INVOCATION_ID", &n);
    if (id && n == ID128_TEXT_MAX - 1) {
        char text[ID128_TEXT_MAX] = { 0 };

        memcpy(text, id, n);
        (void) id128_parse(text, &e->invocation);
    }
}

static struct iovec field_of(char *buffer, size_t size, const char *fmt, ...) _printf_(3, 4);
static struct iovec field_of(char *buffer, size_t size, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(buffer, size, fmt, ap);
    va_end(ap);
    return (struct iovec){ buffer, MIN((size_t) n, size - 1) };
}

/* Where datagrams say when they were sent: SCM_TIMESTAMP. */
static struct iovec source_time(char *buffer, usec_t t)
{
    static const char name[] = "_SOURCE_REALTIME_TIMESTAMP=";

    memcpy(buffer, name, sizeof name - 1);
    return (struct iovec){ buffer, sizeof name - 1 + put_u64(buffer + sizeof name - 1, t) };
}

/* What follows NAME=, or NULL. */
static const char *value_of(const struct iovec *f, const char *name, size_t n, size_t *ret_length)
{
    if (f->iov_len < n || memcmp(f->iov_base, name, n) != 0)
        return NULL;
    *ret_length = f->iov_len - n;
    return (const char *) f->iov_base + n;
}

#define VALUE_OF(f, name, ret_length) value_of(f, name "=", sizeof(name), ret_length)

/* What the collector itself looks at of what the client says. */
static void note_field(struct entry *e, const struct iovec *f, char identifier[static 256])
{
    const char *value;
    size_t n;

    switch (*(const char *) f->iov_base) {
    case 'M':
        if ((value = VALUE_OF(f, "MESSAGE", &n))) {
            e->message = value;
            e->message_length = n;
        }
        break;
    case 'P':
        if ((value = VALUE_OF(f, "PRIORITY", &n)) && n == 1 && *value >= '0' && *value <= '7')
            e->priority = *value - '0';
        break;
    case 'S':
        if ((value = VALUE_OF(f, "SYSLOG_IDENTIFIER", &n)) && n > 0) {
            n = MIN(n, (size_t) 255);
            memcpy(identifier, value, n);
            identifier[n] = 0;
            e->identifier = identifier;
        }
        break;
    default:
        break;
    }
}

static void native_entry(struct collector *c, const struct datagram *d, struct iovec *fields,
                         size_t n)
{
    struct entry e;
    char source[64], identifier[256];

    entry_begin(c, d, &e);
    for (size_t i = 0; i < n; i++)
        note_field(&e, &fields[i], identifier);
    fields[n++] = (struct iovec){ (char *) "_TRANSPORT=journal", strlen("_TRANSPORT=journal") };
    if (d->sent_at > 0)
        fields[n++] = source_time(source, d->sent_at);
    e.fields = fields;
    e.n_fields = n;
    stream_submit_datagram(c, &e);
}

static void native_datagram(struct collector *c, const struct datagram *d)
{
    auto_free struct iovec *fields = NULL;
    size_t allocated = 0, at = 0;

    while (at < d->n) {
        int n = native_next(d->data, d->n, &at, &fields, &allocated);

        if (n == -ENOMEM)
            return;
        if (n < 0) {
            log_debug("A damaged message of process %d is dropped", d->who.pid);
            continue;
        }
        if (n == 0 || !grow(&fields, &allocated, (size_t) n + 2))
            continue;
        native_entry(c, d, fields, (size_t) n);
    }
}

static void syslog_datagram(struct collector *c, const struct datagram *d)
{
    struct syslog_message m;
    struct entry e;
    struct iovec fields[8];
    char facility[32], identifier[256], identifier_field[300], pid[64], timestamp[64], source[64];
    auto_free char *message = NULL;
    size_t n = 0;

    syslog_parse(d->data, d->n, &m);
    entry_begin(c, d, &e);
    e.priority = LOG_PRI(m.priority);
    message = malloc(m.length + sizeof "MESSAGE=");
    if (!message)
        return;
    memcpy(message, "MESSAGE=", 8);
    memcpy(message + 8, m.text, m.length);
    e.message = message + 8;
    e.message_length = m.length;

    fields[n++] = (struct iovec){ (char *) "_TRANSPORT=syslog", strlen("_TRANSPORT=syslog") };
    if (m.priority & LOG_FACMASK)
        fields[n++] = field_of(facility, sizeof facility, "SYSLOG_FACILITY=%d",
                               LOG_FAC(m.priority));
    if (m.identifier_length > 0) {
        snprintf(identifier, sizeof identifier, "%.*s",
                 (int) MIN(m.identifier_length, (size_t) 255), m.identifier);
        e.identifier = identifier;
        fields[n++] = field_of(identifier_field, sizeof identifier_field, "SYSLOG_IDENTIFIER=%s",
                               identifier);
    }
    if (m.pid_length > 0)
        fields[n++] = field_of(pid, sizeof pid, "SYSLOG_PID=%.*s",
                               (int) MIN(m.pid_length, (size_t) 32), m.pid);
    if (m.timestamp_length > 0)
        fields[n++] = field_of(timestamp, sizeof timestamp, "SYSLOG_TIMESTAMP=%.*s",
                               (int) m.timestamp_length, m.timestamp);
    fields[n++] = (struct iovec){ message, m.length + 8 };
    if (d->sent_at > 0)
        fields[n++] = source_time(source, d->sent_at);
    e.groups[e.n_groups++] = &c->priorities[e.priority];
    e.fields = fields;
    e.n_fields = n;
    stream_submit_datagram(c, &e);
}

/* ---- datagrams ---- */

static void read_control(struct msghdr *message, struct datagram *d)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET)
            continue;
        if (c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len >= CMSG_LEN(sizeof d->who)) {
            memcpy(&d->who, CMSG_DATA(c), sizeof d->who);
        } else if (c->cmsg_type == SCM_TIMESTAMP) {
            struct timeval tv;

            memcpy(&tv, CMSG_DATA(c), sizeof tv);
            d->sent_at = (usec_t) tv.tv_sec * USEC_PER_SEC + (usec_t) tv.tv_usec;
        } else if (c->cmsg_type == SCM_PIDFD && c->cmsg_len >= CMSG_LEN(sizeof(int))) {
            close_fd(d->pidfd);
            memcpy(&d->pidfd, CMSG_DATA(c), sizeof(int));
        } else if (c->cmsg_type == SCM_RIGHTS) {
            for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
                int fd;

                memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
                if (d->fd < 0)
                    d->fd = fd;
                else
                    close_fd(fd);
            }
        }
    }
}

/* A message too large for a datagram comes as a file: a sealed memfd, or a deleted file. */
static void payload_datagram(struct collector *c, struct datagram *d)
{
    const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    struct stat st;
    int has = fcntl(d->fd, F_GET_SEALS);

    if (fstat(d->fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0 ||
        st.st_size > (off_t) PAYLOAD_MAX)
        return;
    d->n = (size_t) st.st_size;
    if (has >= 0 && (has & seals) == seals) {
        /* Private: the parser writes to it, and only its own pages are copied. */
        d->data = mmap(NULL, d->n, PROT_READ | PROT_WRITE, MAP_PRIVATE, d->fd, 0);
        if (d->data == MAP_FAILED)
            return;
        native_datagram(c, d);
        munmap(d->data, d->n);
        return;
    }
    /* Not sealed: it could shrink under a mapping. */
    auto_free char *data = malloc(d->n);
    ssize_t got = data ? pread(d->fd, data, d->n, 0) : -1;
    if (got <= 0)
        return;
    d->data = data;
    d->n = (size_t) got;
    native_datagram(c, d);
}

/* ---- batches of them ----
 *
 * Looked at one after the other (SO_PEEK_OFF), kept, and then taken out: two system calls for many,
 * and whoever waits for room in the socket is woken once. */

#define BATCH 32

struct datagrams {
    struct mmsghdr messages[BATCH];
    struct iovec parts[BATCH];
    union {
        struct cmsghdr head;
        uint8_t space[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(struct timeval)) +
                      CMSG_SPACE(16 * sizeof(int))];
    } control[BATCH];
};

/* Receives up to `max` datagrams, into equal parts of the buffer. Without one only their lengths.
 */
static int receive(struct datagrams *all, int fd, uint8_t *buffer, size_t size, int max, int flags,
                   bool control)
{
    int n;

    for (int i = 0; i < max; i++) {
        all->parts[i] = (struct iovec){ buffer + (size_t) i * size, size };
        all->messages[i].msg_hdr = (struct msghdr){
            .msg_iov = &all->parts[i],
            .msg_iovlen = buffer ? 1 : 0,
            .msg_control = control ? &all->control[i] : NULL,
            .msg_controllen = control ? sizeof all->control[i] : 0,
        };
    }
    do
        n = recvmmsg(fd, all->messages, (unsigned) max,
                     flags | MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC, NULL);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

static void datagram_keep(struct collector *c, struct datagram *d, bool native)
{
    if (!native && d->n > 0)
        syslog_datagram(c, d);
    else if (native && d->n > 0)
        native_datagram(c, d);
    else if (native && d->fd >= 0)
        payload_datagram(c, d);
    d->fd = close_fd(d->fd);
}

/* Looked at once more, for a descriptor with each datagram would cost as much as all the rest of
 * it; it is wanted once a process and second. Datagrams of no bytes cannot be found again. */
int listen_pidfd(void *collector)
{
    struct collector *c = collector;
    static const int on = 1, off = 0;
    const int at = (int) c->looked_at;
    struct datagrams one;
    struct datagram d = { .fd = -1, .pidfd = -1 };

    if (c->looked_fd < 0 || c->no_pidfds)
        return -1;
    if (setsockopt(c->looked_fd, SOL_SOCKET, SO_PASSPIDFD, &on, sizeof on) < 0) {
        c->no_pidfds = true;
        return -1;
    }
    if (setsockopt(c->looked_fd, SOL_SOCKET, SO_PEEK_OFF, &at, sizeof at) >= 0 &&
        receive(&one, c->looked_fd, NULL, 0, 1, MSG_PEEK, true) == 1)
        read_control(&one.messages[0].msg_hdr, &d);
    (void) setsockopt(c->looked_fd, SOL_SOCKET, SO_PASSPIDFD, &off, sizeof off);
    close_fd(d.fd);
    return d.pidfd;
}

/* Takes out of the socket what was kept. An empty datagram that a collector before has looked at is
 * not seen again by looking (the kernel marks it so), it turns up here: with what it has sent along
 * as long as such a one can be there. */
static void datagrams_take(struct collector *c, struct datagrams *all, int fd,
                           const size_t *lengths, int n, bool native)
{
    for (int taken = 0; taken < n;) {
        bool control = c->n_datagrams < QUEUE_MAX;
        int k = receive(all, fd, NULL, 0, n - taken, 0, control);

        if (k <= 0)
            return;
        c->n_datagrams += (unsigned) k;
        for (int i = 0; i < k; i++) {
            struct datagram d = { .fd = -1, .pidfd = -1 };

            read_control(&all->messages[i].msg_hdr, &d);
            if (all->messages[i].msg_len == 0 && lengths[taken] > 0)
                datagram_keep(c, &d, native);
            else
                taken++;
            close_fd(d.fd);
        }
    }
}

/* One batch of at most `max`. Returns how many were read. */
static int datagrams_read(struct collector *c, int fd, bool native, int max)
{
    static const int from_first = 0;
    struct datagrams all;
    size_t lengths[BATCH], size;
    int n, whole = 0;

    if (setsockopt(fd, SOL_SOCKET, SO_PEEK_OFF, &from_first, sizeof from_first) < 0)
        max = 1;
    size = c->packet_size / (size_t) max - 1;
    n = receive(&all, fd, c->packet, size, max, MSG_PEEK, true);
    c->looked_at = 0;
    for (int i = 0; i < n; i++) {
        struct datagram d = { .fd = -1, .pidfd = -1, .data = all.parts[i].iov_base };

        read_control(&all.messages[i].msg_hdr, &d);
        d.n = lengths[i] = all.messages[i].msg_len;
        /* Of one that is larger the rest would come next. */
        if (whole == i && d.n <= size) {
            d.data[d.n] = 0;
            c->looked_fd = d.n > 0 ? fd : -1;
            datagram_keep(c, &d, native);
            whole++;
        }
        c->looked_at += d.n;
        close_fd(d.fd);
    }
    c->looked_fd = -1;
    if (whole > 0) {
        console_flush(c->console);
        datagrams_take(c, &all, fd, lengths, whole, native);
        return whole;
    }
    if (n <= 0)
        return 0;
    if (max > 1)
        return datagrams_read(c, fd, native, 1);
    if (lengths[0] > DATAGRAM_MAX || !grow(&c->packet, &c->packet_size, lengths[0] + 2))
        wire_drop(fd);
    return 1;
}

static void read_some(struct collector *c, int fd, bool native, int max)
{
    for (int n; fd >= 0 && max > 0 && (n = datagrams_read(c, fd, native, BATCH)) > 0; max -= n)
        ;
}

static void on_native(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    read_some(userdata, fd, true, 128);
}

static void on_syslog(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    read_some(userdata, fd, false, 128);
}

/* Without a manager only: it accepts connections itself, so that none is ever known to this process
 * alone, with which it would be lost. Returns whether there was one. */
static bool accept_connection(struct collector *c)
{
    auto_close int connection = accept4(c->stdout_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (connection < 0)
        return false;
    if (stream_take_connection(c, STREAM_CONNECTION | c->next_connection, connection, NULL) >= 0) {
        take_fd(&connection);
        c->next_connection++;
    }
    return true;
}

static void on_connection(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    (void) accept_connection(userdata);
}

void listen_drain(struct collector *c)
{
    read_some(c, c->native_fd, true, DRAIN_DATAGRAMS);
    read_some(c, c->syslog_fd, false, DRAIN_DATAGRAMS);
    for (int i = 0; c->control_fd < 0 && i < DRAIN_DATAGRAMS && accept_connection(c); i++)
        ;
}

static void on_varlink(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    (void) request_accept(userdata, fd);
}

/* ---- the sockets ---- */

struct slot {
    int *fd;
    struct event_source **io;
    event_io_fn fn;
};

static struct slot slot_of(struct collector *c, enum listener which)
{
    switch (which) {
    case LISTENER_NATIVE:
        return (struct slot){ &c->native_fd, &c->native_io, on_native };
    case LISTENER_SYSLOG:
        return (struct slot){ &c->syslog_fd, &c->syslog_io, on_syslog };
    case LISTENER_STDOUT:
        return (struct slot){ &c->stdout_fd, &c->stdout_io, on_connection };
    case LISTENER_VARLINK:
        return (struct slot){ &c->varlink_fd, &c->varlink_io, on_varlink };
    }
    return (struct slot){ 0 }; /* of another version */
}

int listen_take(struct collector *c, uint64_t key, int fd)
{
    static const int on = 1, buffer = RECEIVE_BUFFER;
    enum listener which = (enum listener)(key & ~STORED_LISTENER);
    struct slot slot = slot_of(c, which);

    if (!slot.fd)
        return -EINVAL;
    if (*slot.fd >= 0)
        return -EEXIST;
    (void) setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    if (which == LISTENER_NATIVE || which == LISTENER_SYSLOG) {
        (void) setsockopt(fd, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on);
        if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer) < 0)
            (void) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    }
    if (which != LISTENER_STDOUT || c->control_fd < 0) {
        int r = event_add_io(c->loop, fd, EPOLLIN, slot.fn, c, slot.io);

        if (r < 0)
            return r;
    }
    *slot.fd = fd;
    return 0;
}

/* Bound under the name `bound`, where nobody looks before the manager has it. */
static int bind_socket(struct collector *c, const char *bound, int type, enum listener which)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    auto_wire struct wire_out m = { 0 };

    if (strlen(bound) >= sizeof addr.sun_path)
        return -ENAMETOOLONG;
    strcpy(addr.sun_path, bound);
    auto_close int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    (void) unlink(bound);
    if (bind(fd, (struct sockaddr *) &addr, sizeof addr) < 0 || chmod(bound, 0666) < 0)
        return -errno;
    if (type == SOCK_STREAM && listen(fd, SOMAXCONN) < 0)
        return -errno;
    int r = listen_take(c, STORED_LISTENER | which, fd);
    if (r < 0)
        return r;
    wire_begin(&m, WIRE_STORE, STORED_LISTENER | which);
    if (which == LISTENER_STDOUT)
        wire_put(&m, "ACCEPT", "1");
    control_send(c, &m, fd);
    take_fd(&fd);
    return 0;
}

/* A socket that a collector before has bound may still have to get its name. */
static int open_socket(struct collector *c, const char *name, int type, enum listener which)
{
    auto_free char *path = path_join(c->options->socket_dir, name, NULL);
    auto_free char *bound = path ? format("%s.new", path) : NULL;
    int r = 0;

    if (!bound)
        return -ENOMEM;
    if (*slot_of(c, which).fd < 0)
        r = bind_socket(c, bound, type, which);
    if (r >= 0 && rename(bound, path) < 0 && errno != ENOENT)
        r = -errno;
    return r;
}

/* The kernel lets 10 datagrams wait in a socket. Where we are the machine's init, as many as under
 * systemd, before the sockets are made. */
static void lengthen_queues(const struct collector *c)
{
    char now[16] = "";

    if (c->control_fd < 0 || getppid() != 1)
        return;
    auto_close int fd = open("/proc/sys/net/unix/max_dgram_qlen", O_RDWR | O_CLOEXEC);
    if (fd >= 0 && read(fd, now, sizeof now - 1) > 0 && strtoul(now, NULL, 10) < 512)
        (void) !pwrite(fd, "512\n", 4, 0);
}

int listen_open(struct collector *c)
{
    static const struct {
        const char *name;
        int type;
        enum listener which;
    } sockets[] = {
        { "socket", SOCK_DGRAM, LISTENER_NATIVE },
        { "dev-log", SOCK_DGRAM, LISTENER_SYSLOG },
        { "stdout", SOCK_STREAM, LISTENER_STDOUT },
        { "io.systemd.journal", SOCK_STREAM, LISTENER_VARLINK },
    };
    int r = 0;

    if (!c->options->socket_dir)
        return 0;
    (void) mkdir_all(c->options->socket_dir, 0755);
    lengthen_queues(c);
    for (size_t i = 0; i < ELEMENTSOF(sockets); i++) {
        int k = open_socket(c, sockets[i].name, sockets[i].type, sockets[i].which);

        if (k < 0) {
            log_warning("%s/%s cannot be listened on: %s", c->options->socket_dir, sockets[i].name,
                        strerror(-k));
            r = k;
        }
    }
    return r;
}

void listen_done(struct collector *c)
{
    event_source_free(c->native_io);
    event_source_free(c->syslog_io);
    event_source_free(c->stdout_io);
    close_fd(c->native_fd);
    close_fd(c->syslog_fd);
    event_source_free(c->varlink_io);
    close_fd(c->stdout_fd);
    close_fd(c->varlink_fd);
}
