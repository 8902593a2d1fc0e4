/* control/frame.h -- Varlink messages on a stream: JSON texts, each ended by a NUL byte. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The longest message taken in, and the most that is queued for a peer that does not read. */
#define FRAME_IN_MAX ((size_t) 1 << 20)
#define FRAME_OUT_MAX ((size_t) 4 << 20)

/* Descriptors that came with them. */
#define FRAME_FDS_MAX 3
struct frame_fds {
    int fd[FRAME_FDS_MAX];
    unsigned n;
};

/* Bytes received and not yet used, or queued and not yet sent. Zero-initialise it. */
struct frame_buffer {
    char *data;
    size_t begin, end; /* what is in use */
    size_t scanned;    /* up to here there is no NUL byte */
    size_t allocated;
};

void frame_done(struct frame_buffer *b);

/* Bytes in the buffer. */
size_t frame_pending(const struct frame_buffer *b);

/* Receives what is there, at most 64 KiB. Returns the number of bytes; 0 at the end of the stream;
 * -EAGAIN; -EMSGSIZE where the buffer holds FRAME_IN_MAX bytes without an end of message; another
 * negative errno of recvmsg(2), or -ENOMEM. Descriptors are added to `fds` (closed past
 * FRAME_FDS_MAX); NULL: none are taken. */
int frame_receive(struct frame_buffer *b, int fd, struct frame_fds *fds);
void frame_close_fds(struct frame_fds *fds);

/* The next whole message, NUL-terminated, valid until the next call with this buffer; NULL if none
 * is whole yet. ret_length does not count the NUL. */
const char *frame_next(struct frame_buffer *b, size_t *ret_length);

/* Whether a whole message waits. */
bool frame_has_message(struct frame_buffer *b);

/* Queues bytes. Returns 0, -ENOBUFS past FRAME_OUT_MAX (or `max`, where it is not 0), -ENOMEM;
 * nothing is queued then. */
int frame_queue(struct frame_buffer *b, const void *data, size_t n, size_t max);

/* Sends what the socket takes without blocking. Returns 0 when all is sent, -EAGAIN, or another
 * negative errno of send(2). */
int frame_send(struct frame_buffer *b, int fd);
