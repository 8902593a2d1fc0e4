/* journal/wire.h -- messages between the manager and the collector.
 *
 * One message is one packet of a SOCK_SEQPACKET pair: a head, then items, each a 32-bit length and
 * as many bytes, "NAME=value". Descriptors go along by SCM_RIGHTS. Both ends are the same binary or
 * one version apart: items that a reader does not know are skipped. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id128.h"

#define WIRE_VERSION 1
#define WIRE_MESSAGE_MAX \
    (160 * 1024) /* below the smallest send buffer that Linux gives, 208 KiB \
                  */

enum wire_type {
    /* to the collector */
    WIRE_HELLO = 1,    /* id: epoch; fd: the memory of unfinished lines */
    WIRE_STREAM,       /* id: stream; settings; fd, or none where only the settings are new */
    WIRE_STREAM_CLOSE, /* id: stream: the collector is alone with it */
    WIRE_STORED,       /* id: key; what was given to the manager to keep; fd */
    WIRE_TAKEN,        /* everything of this epoch was handed over */
    WIRE_BARRIER,      /* id: token; UNIT= */
    WIRE_MESSAGE,      /* fields of one entry */
    WIRE_ENDED,        /* UNIT=, INVOCATION=, FAILED= */
    WIRE_SERIES_END,   /* UNIT= */
    WIRE_TAIL,         /* id: token; UNIT=, INVOCATION=, PART=, LINES= */
    /* to the manager */
    WIRE_READY,        /* id: epoch */
    WIRE_STREAM_END,   /* id: stream */
    WIRE_STORE,        /* id: key; items to be given back; fd. ACCEPT=1: a listening socket whose
                          connections the manager accepts, and hands over as WIRE_STORED */
    WIRE_UNSTORE,      /* id: key */
    WIRE_BARRIER_DONE, /* id: token */
    WIRE_TAIL_LINE,    /* id: token; LINE items, see tail.c */
    WIRE_TAIL_END,     /* id: token; ERROR= */
    WIRE_COUNTERS,
};

/* Keys of what the manager keeps: connections to the stdout socket, listening sockets. Streams of
 * the manager have neither bit. */
#define STREAM_CONNECTION (UINT64_C(1) << 62)
#define STORED_LISTENER (UINT64_C(1) << 61)

struct wire_head {
    uint32_t version, type;
    uint64_t id;
};

/* A message being built. Zero-initialise by wire_begin(); a failed allocation or a message that
 * grows too long sets `error`, and wire_send() returns it. */
struct wire_out {
    uint8_t *data;
    size_t size, allocated;
    int error;
};

#define auto_wire _cleanup_(wire_done)
void wire_begin(struct wire_out *m, enum wire_type type, uint64_t id);
void wire_done(struct wire_out *m);
void wire_put(struct wire_out *m, const char *name, const char *value); /* NULL: nothing */
void wire_put_bytes(struct wire_out *m, const char *name, const void *value, size_t n);
void wire_put_u64(struct wire_out *m, const char *name, uint64_t value);
void wire_put_id128(struct wire_out *m, const char *name, struct id128 value);
/* A whole "NAME=value" item. */
void wire_put_field(struct wire_out *m, const char *field);

/* Sends without blocking, with one descriptor or none (-1). Returns 0, -EAGAIN (the receiver is
 * slow), another negative errno of sendmsg(2), or the error of building it. */
int wire_send(int fd, const struct wire_out *m, int send_fd);

/* One received message; the items point into `data`. */
struct wire_in {
    struct wire_head head;
    const uint8_t *data;
    size_t size, position;
    int fd; /* the caller's, or -1 */
};

/* Reads one message without blocking into the buffer (WIRE_MESSAGE_MAX bytes). With `peek` it stays
 * in the socket, descriptor included, until wire_drop(). Returns 1, 0 where the channel was closed,
 * -EAGAIN, -EBADMSG (the message was dropped), or what recvmsg(2) gives. */
int wire_receive(int fd, void *buffer, bool peek, struct wire_in *ret);
void wire_drop(int fd);

struct wire_item {
    const char *name; /* not NUL-terminated */
    size_t name_length;
    const char *value;
    size_t length;
    const char *field; /* the whole item */
    size_t field_length;
};
/* The next item; false at the end (a damaged rest is an end). */
bool wire_next(struct wire_in *m, struct wire_item *ret);
bool wire_item_is(const struct wire_item *item, const char *name);
/* Numbers that do not parse are 0. */
uint64_t wire_item_u64(const struct wire_item *item);
struct id128 wire_item_id128(const struct wire_item *item);
