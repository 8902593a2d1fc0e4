/* journal/client-inside.h -- the inside of client.h, shared by its parts. */
#pragma once

#include "base/map.h"
#include "event/event.h"
#include "journal/client.h"
#include "journal/wire.h"

/* A message in its final form. */
struct packet {
    uint8_t *data;
    size_t size;
};

struct collector_stream {
    struct collector_client *client;
    uint64_t id;
    int fd;              /* duplicate of the collector's end */
    ino_t inode;         /* of the service's end */
    struct packet hello; /* WIRE_STREAM with the settings */
    bool pending;        /* hello has to be sent */
    bool handed;         /* this collector has the descriptor */
    void (*on_end)(struct collector_stream *s, void *userdata);
    void *userdata;
};

/* What the collector asked us to keep: a listening socket, a connection. */
struct stored {
    uint64_t key;
    int fd;
    struct packet packet; /* WIRE_STORED */
    bool pending;
    struct event_source *accept; /* of a listening socket whose connections we accept */
};

struct collector_barrier {
    struct collector_client *client;
    struct collector_barrier *next;
    uint64_t token;
    char *unit;
    bool sent;
    collector_barrier_callback callback;
    void *userdata;
};

struct query {
    struct query *next;
    uint64_t token;
    bool failed; /* -ECONNRESET is still to be told */
    collector_tail_callback callback;
    void *userdata;
};

struct queued {
    struct queued *next;
    struct packet packet;
};

struct collector_client {
    struct event_loop *loop;
    struct event_source *io, *retry, *failed_queries, *hand_over;
    int manager_fd, child_fd, spill_fd;
    uint64_t epoch, next_id, next_token;
    bool running, ready, hello_pending, taken_pending;
    struct map streams, stored;
    size_t n_streams_pending, n_stored_pending, n_barriers_pending, n_connections;
    bool refusing; /* connections, and it was said */
    struct collector_barrier *barriers;
    struct query *queries;
    struct queued *queue, **queue_tail;
    size_t queue_bytes;
    uint64_t dropped_unreported;
    struct collector_counters counters;
    void (*on_ready)(void *userdata);
    void *on_ready_userdata;
    uint8_t *buffer; /* WIRE_MESSAGE_MAX, for receiving */
};

/* client-send.c */
void packet_done(struct packet *p);
/* Takes the built message over, cut to its size. */
int packet_from(struct wire_out *m, struct packet *ret);
/* At the end of the queue; the packet is taken over. */
int client_queue(struct collector_client *c, struct packet *p);
void client_queue_pop(struct collector_client *c);
/* What the collector that is gone has not read is at the head of the queue then. */
void client_queue_unread(struct collector_client *c);
/* Sends or queues; `bounded` messages are refused where the queue is full. */
int client_post(struct collector_client *c, struct wire_out *m, bool bounded);
/* Sends what can be sent of all that waits. */
void client_flush(struct collector_client *c);
void client_on_retry(struct event_source *s, usec_t due, void *userdata);

/* client.c */
struct collector_client *client_alloc(struct event_loop *loop);
/* Watches the channel and the listening sockets that it has. */
int client_attach(struct collector_client *c);
int client_stored_add(struct collector_client *c, uint64_t key, struct packet *packet, int *fd,
                      bool pending);

DEFINE_AUTO(struct collector_client, client, collector_client_free)
