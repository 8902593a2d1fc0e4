/* journal/collect.h -- the inside of the collector's process, shared by its parts. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/map.h"
#include "event/event.h"
#include "journal/collector.h"
#include "journal/config.h"
#include "journal/console.h"
#include "journal/entry.h"
#include "journal/rate.h"
#include "journal/relay.h"
#include "journal/sender.h"
#include "journal/spill.h"
#include "journal/store.h"
#include "journal/tail.h"
#include "journal/wire.h"

#define READ_BATCH (64u * 1024)

struct stream;
struct request;

struct collector {
    struct event_loop *loop;
    const struct collector_options *options;
    struct console *console;
    struct tails tails;
    struct senders senders;
    struct spill spill;
    struct relay *relay; /* to the machine's journald; NULL: the journal is ours */
    struct store *store; /* journal files; NULL: none are written */
    struct rates *rates;

    /* control.c */
    int control_fd;
    struct event_source *control_io;
    uint64_t epoch;
    bool taken; /* everything was handed over */
    struct ucred manager;

    /* stream.c */
    struct map streams;       /* id -> struct stream */
    unsigned n_limiting;      /* of them, those whose unit says something of its messages */
    uint64_t next_connection; /* where no manager accepts them */

    /* listen.c: what is bound in options->socket_dir, -1 where it is not */
    int native_fd, syslog_fd, stdout_fd, varlink_fd;
    struct event_source *native_io, *syslog_io, *stdout_io, *varlink_io;
    uint64_t n_datagrams; /* taken by this process */
    /* The datagram that is being looked at: its socket (-1: none), and how many bytes are before
     * it. */
    int looked_fd;
    size_t looked_at;
    bool no_pidfds; /* the kernel has none for us */

    /* kernel.c */
    int kernel_fd, kernel_number_fd;
    struct event_source *kernel_io;
    uint64_t kernel_next; /* the number of the record to come */

    /* requests.c */
    struct request *requests;
    size_t n_requests;

    struct journald_config config;
    int forward_fd; /* to a syslog daemon, -1 until it is needed */

    struct field_group machine;       /* _BOOT_ID, _MACHINE_ID, _HOSTNAME, _RUNTIME_SCOPE */
    struct field_group priorities[8]; /* PRIORITY=0 .. 7 */
    struct field_group manager_fields;
    uint64_t n_lines, n_rate_limited;

    uint8_t *batch;  /* READ_BATCH and some room, for streams */
    uint8_t *packet; /* WIRE_MESSAGE_MAX, for the channel and for datagrams */
    size_t packet_size;
};

/* collector.c */
/* Keeps one entry: tails, console, files. */
void collector_submit(struct collector *c, struct entry *e);
/* The same under the rate limit (of the collector, where the unit asks for none), to where the unit
 * wants it. The tails and the container's console get it in any case. */
void collector_submit_limited(struct collector *c, struct entry *e, bool to_journal,
                              bool to_console, bool to_kmsg, const struct rate_settings *rate);
/* The fields that name a unit of the manager: of the system, or of a user. */
void collector_add_unit(const struct collector *c, struct field_group *g, const char *unit,
                        const char *slice, struct id128 invocation);

/* forward.c */
/* To wherever the settings want the entry besides. */
void forward(struct collector *c, const struct entry *e);
void forward_to_kernel_log(const struct entry *e);

/* stream.c */
int stream_take(struct collector *c, struct wire_in *in);
/* `stored`: what the manager kept with it, NULL where there is no manager. */
int stream_take_connection(struct collector *c, uint64_t id, int fd, struct wire_in *stored);
void streams_adopted(struct collector *c);
/* Reads what the unit's streams hold at this moment; NULL: of every stream. */
void streams_drain(struct collector *c, const char *unit);
void streams_done(struct collector *c);
/* What the manager's streams say about the unit that runs under the name, or behind the socket. */
struct stream_place {
    const char *unit, *slice;
    struct id128 invocation;
};
bool stream_find_unit(struct collector *c, const char *unit, struct stream_place *ret);
/* Keeps what a process sent in a datagram, as its unit wants it: the Log*= settings of
 * systemd.exec(5) are of all that the unit says. */
void stream_submit_datagram(struct collector *c, struct entry *e);
bool stream_find_inode(struct collector *c, uint64_t inode, struct stream_place *ret);

/* control.c */
int control_attach(struct collector *c, int fd);
/* Takes what the manager has sent so far. */
void control_drain(struct collector *c);
void control_send(struct collector *c, struct wire_out *m, int fd);
void control_counters(struct collector *c);

/* listen.c */
int listen_open(struct collector *c);
int listen_take(struct collector *c, uint64_t key, int fd);
void listen_drain(struct collector *c);
/* Of the sender of the datagram that is being looked at: senders.pidfd. */
int listen_pidfd(void *collector);
void listen_done(struct collector *c);

/* kernel.c */
int kernel_open(struct collector *c);
void kernel_done(struct collector *c);

/* requests.c */
int request_accept(struct collector *c, int listener);
void requests_done(struct collector *c);
