#include "control/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"

#define READ_BYTES ((size_t) 64 << 10)
#define KEEP_BYTES ((size_t) 8 << 10)

void frame_done(struct frame_buffer *b)
{
    free(b->data);
    *b = (struct frame_buffer){ 0 };
}

size_t frame_pending(const struct frame_buffer *b)
{
    return b->end - b->begin;
}

/* Makes room for n more bytes, moving what is in use to the front first. */
static int make_room(struct frame_buffer *b, size_t n)
{
    if (b->begin == b->end) {
        b->begin = b->end = b->scanned = 0;
        if (b->allocated > KEEP_BYTES && n <= KEEP_BYTES)
            frame_done(b);
    }
    if (b->allocated - b->end >= n)
        return 0;
    if (b->begin > 0) {
        memmove(b->data, b->data + b->begin, b->end - b->begin);
        b->end -= b->begin;
        b->scanned -= b->begin;
        b->begin = 0;
    }
    return grow(&b->data, &b->allocated, b->end + n) ? 0 : -ENOMEM;
}

static void take_fds(struct msghdr *m, struct frame_fds *fds)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < n; i++) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (fds->n < FRAME_FDS_MAX)
                fds->fd[fds->n++] = fd;
            else
                close(fd);
        }
    }
}

void frame_close_fds(struct frame_fds *fds)
{
    while (fds->n > 0)
        close(fds->fd[--fds->n]);
}

int frame_receive(struct frame_buffer *b, int fd, struct frame_fds *fds)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(FRAME_FDS_MAX * sizeof(int))];
    } control;
    size_t want = READ_BYTES;
    ssize_t n;
    int r;

    if (frame_pending(b) > FRAME_IN_MAX)
        return -EMSGSIZE;
    want = MIN(want, FRAME_IN_MAX + 1 - frame_pending(b));
    /* Most messages are small: only a peer that fills a small buffer gets a large one. */
    if (b->allocated - frame_pending(b) < KEEP_BYTES)
        want = MIN(want, frame_pending(b) > 0 ? READ_BYTES : KEEP_BYTES);
    r = make_room(b, MIN(want, KEEP_BYTES));
    if (r < 0)
        return r;
    want = MIN(want, b->allocated - b->end);
    struct iovec iov = { b->data + b->end, want };
    struct msghdr m = { .msg_iov = &iov,
                        .msg_iovlen = 1,
                        .msg_control = fds ? &control : NULL,
                        .msg_controllen = fds ? sizeof control : 0 };
    do
        n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    if (fds)
        take_fds(&m, fds);
    b->end += (size_t) n;
    if (n > 0 && frame_pending(b) > FRAME_IN_MAX && !frame_has_message(b))
        return -EMSGSIZE;
    return (int) n;
}

/* Where the first message ends, or NULL. */
static char *find_end(struct frame_buffer *b)
{
    char *nul = NULL;

    if (b->scanned < b->begin)
        b->scanned = b->begin;
    if (b->end > b->scanned)
        nul = memchr(b->data + b->scanned, '\0', b->end - b->scanned);
    b->scanned = nul ? (size_t) (nul - b->data) : b->end;
    return nul;
}

bool frame_has_message(struct frame_buffer *b)
{
    return find_end(b) != NULL;
}

const char *frame_next(struct frame_buffer *b, size_t *ret_length)
{
    char *nul = find_end(b);
    const char *message;

    if (!nul)
        return NULL;
    message = b->data + b->begin;
    *ret_length = (size_t) (nul - message);
    b->begin = b->scanned = (size_t) (nul - b->data) + 1;
    return message;
}

int frame_queue(struct frame_buffer *b, const void *data, size_t n, size_t max)
{
    int r;

    if (max == 0)
        max = FRAME_OUT_MAX;
    if (n > max || frame_pending(b) > max - n)
        return -ENOBUFS;
    r = make_room(b, n);
    if (r < 0)
        return r;
    memcpy(b->data + b->end, data, n);
    b->end += n;
    return 0;
}

int frame_send(struct frame_buffer *b, int fd)
{
    while (b->begin < b->end) {
        ssize_t n = send(fd, b->data + b->begin, b->end - b->begin, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        b->begin += (size_t) n;
    }
    if (b->allocated > KEEP_BYTES)
        frame_done(b);
    b->begin = b->end = b->scanned = 0;
    return 0;
}
