#include "journal/wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"

static void put_raw(struct wire_out *m, const void *data, size_t n)
{
    if (m->error)
        return;
    if (m->size + n > WIRE_MESSAGE_MAX) {
        m->error = -E2BIG;
        return;
    }
    if (!grow(&m->data, &m->allocated, m->size + n)) {
        m->error = -ENOMEM;
        return;
    }
    if (n > 0)
        memcpy(m->data + m->size, data, n);
    m->size += n;
}

void wire_begin(struct wire_out *m, enum wire_type type, uint64_t id)
{
    struct wire_head head = { .version = WIRE_VERSION, .type = type, .id = id };

    m->size = 0;
    m->error = 0;
    put_raw(m, &head, sizeof head);
}

void wire_done(struct wire_out *m)
{
    free(m->data);
    *m = (struct wire_out){ 0 };
}

void wire_put_bytes(struct wire_out *m, const char *name, const void *value, size_t n)
{
    size_t name_length = strlen(name);
    uint32_t length = (uint32_t) (name_length + 1 + n);

    if (n > WIRE_MESSAGE_MAX) {
        m->error = m->error ? m->error : -E2BIG;
        return;
    }
    put_raw(m, &length, sizeof length);
    put_raw(m, name, name_length);
    put_raw(m, "=", 1);
    put_raw(m, value, n);
}

void wire_put(struct wire_out *m, const char *name, const char *value)
{
    if (value)
        wire_put_bytes(m, name, value, strlen(value));
}

void wire_put_u64(struct wire_out *m, const char *name, uint64_t value)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%ju", (uintmax_t) value);

    wire_put_bytes(m, name, text, (size_t) n);
}

void wire_put_id128(struct wire_out *m, const char *name, struct id128 value)
{
    char text[ID128_TEXT_MAX];

    wire_put(m, name, id128_format(value, text));
}

void wire_put_field(struct wire_out *m, const char *field)
{
    size_t n = strlen(field);
    uint32_t length = (uint32_t) n;

    if (n > WIRE_MESSAGE_MAX) {
        m->error = m->error ? m->error : -E2BIG;
        return;
    }
    put_raw(m, &length, sizeof length);
    put_raw(m, field, n);
}

int wire_send(int fd, const struct wire_out *m, int send_fd)
{
    union {
        struct cmsghdr head;
        uint8_t space[CMSG_SPACE(sizeof(int))];
    } control = { 0 };
    struct iovec iov = { .iov_base = m->data, .iov_len = m->size };
    struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

    if (m->error)
        return m->error;
    if (send_fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        control.head.cmsg_level = SOL_SOCKET;
        control.head.cmsg_type = SCM_RIGHTS;
        control.head.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.head), &send_fd, sizeof send_fd);
    }
    for (;;) {
        if (sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
            return 0;
        if (errno == EINTR)
            continue;
        /* Too many descriptors in flight is over when the receiver has read some. */
        return errno == ETOOMANYREFS || errno == ENOBUFS ? -EAGAIN : -errno;
    }
}

void wire_drop(int fd)
{
    (void) recv(fd, NULL, 0, MSG_DONTWAIT | MSG_TRUNC);
}

/* Takes the first descriptor, closes any others. */
static int take_descriptor(struct msghdr *message)
{
    int got = -1;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
            if (got < 0)
                got = fd;
            else
                close_fd(fd);
        }
    }
    return got;
}

int wire_receive(int fd, void *buffer, bool peek, struct wire_in *ret)
{
    union {
        struct cmsghdr head;
        uint8_t space[CMSG_SPACE(4 * sizeof(int))];
    } control;
    struct iovec iov = { .iov_base = buffer, .iov_len = WIRE_MESSAGE_MAX };
    struct msghdr message = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    ssize_t n;

    do
        n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | (peek ? MSG_PEEK : 0));
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;

    auto_close int got = take_descriptor(&message);
    if (n == 0)
        return 0;
    struct wire_in in = { .data = buffer, .size = (size_t) n, .position = sizeof in.head };
    if ((size_t) n >= sizeof in.head)
        memcpy(&in.head, buffer, sizeof in.head);
    if ((message.msg_flags & MSG_TRUNC) || in.head.version != WIRE_VERSION) {
        if (peek)
            wire_drop(fd);
        return -EBADMSG;
    }
    in.fd = take_fd(&got);
    *ret = in;
    return 1;
}

bool wire_next(struct wire_in *m, struct wire_item *ret)
{
    uint32_t length;

    if (m->size - m->position < sizeof length)
        return false;
    memcpy(&length, m->data + m->position, sizeof length);
    if (length > m->size - m->position - sizeof length)
        return false;
    const char *field = (const char *) m->data + m->position + sizeof length;
    const char *equal = memchr(field, '=', length);
    m->position += sizeof length + length;
    if (!equal)
        return wire_next(m, ret);

    *ret = (struct wire_item){
        .name = field,
        .name_length = (size_t) (equal - field),
        .value = equal + 1,
        .length = length - (size_t) (equal - field) - 1,
        .field = field,
        .field_length = length,
    };
    return true;
}

bool wire_item_is(const struct wire_item *item, const char *name)
{
    return strlen(name) == item->name_length && memcmp(item->name, name, item->name_length) == 0;
}

uint64_t wire_item_u64(const struct wire_item *item)
{
    uint64_t v = 0;

    for (size_t i = 0; i < item->length; i++) {
        unsigned digit = (unsigned) item->value[i] - '0';

        if (digit > 9 || __builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, digit, &v))
            return 0;
    }
    return v;
}

struct id128 wire_item_id128(const struct wire_item *item)
{
    char text[ID128_TEXT_MAX];
    struct id128 id = { 0 };

    if (item->length != ID128_TEXT_MAX - 1)
        return id;
    memcpy(text, item->value, item->length);
    text[item->length] = 0;
    (void) id128_parse(text, &id);
    return id;
}
