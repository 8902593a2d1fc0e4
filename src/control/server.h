/* control/server.h -- a Varlink service on an event loop.
 *
 * One interface (and org.varlink.service, which describes it). Clients cost bounded memory and
 * descriptors, are told apart by the kernel's credentials, and lose their connection, without
 * consequence for others, over garbage, too long messages, or replies that they do not read.
 *
 * A client's requests are answered one after the other. A call that its method has not answered yet
 * keeps the client's further requests waiting. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include <jansson.h>

#include "control/idl.h"

struct event_loop;
struct varlink_call;
struct varlink_server;

#define SERVER_CLIENTS_PER_UID 64u
#define SERVER_CLIENTS_MAX 512u

/* Who is at the other end: SO_PEERCRED and SO_PEERGROUPS, as of connect(2). */
struct varlink_peer {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

/* What a method needs. Everybody who can connect has READ. */
enum varlink_access {
    NEEDS_READ,   /* states */
    NEEDS_OUTPUT, /* output, environments: adm, systemd-journal */
    NEEDS_CHANGE, /* root and the manager's own uid */
};

struct varlink_method {
    const char *name; /* "ListUnits" */
    enum varlink_access access;
    bool more; /* answers with a stream: a call without `more` is refused (ExpectedMore) */
    const char *in, *out; /* "(name: string)": idl.h */
    const char *doc;      /* a line of the description */
    /* Answers by varlink_reply(), varlink_error() ..., or keeps the call and answers later.
     * `parameters` is an object that idl_check() found right. It may return a negative errno
     * without having answered: -ENOMEM ends the connection, all others are told as the error
     * "Failed". */
    int (*call)(struct varlink_call *call, const json_t *parameters, void *userdata);
};

struct varlink_error {
    const char *name, *parameters, *doc; /* "NoSuchUnit", "(message: string)" */
};

struct varlink_interface {
    const char *name, *doc;                       /* "io.reeve.Manager" */
    const char *vendor, *product, *version, *url; /* of GetInfo */
    const struct idl_type *types;                 /* these end with a NULL name */
    const struct varlink_method *methods;
    const struct varlink_error *errors;
};

/* The description of the interface in the interface language. A new string, or NULL. */
char *varlink_describe(const struct varlink_interface *i);

/* Makes a server without a socket; `userdata` is given to the methods. `interface` has to outlive
 * it. Returns 0 or a negative errno. */
int varlink_server_new(struct event_loop *loop, const struct varlink_interface *interface,
                       void *userdata, struct varlink_server **ret);
/* Which groups give a peer NEEDS_OUTPUT; none, if it is not called. */
void varlink_server_set_output_groups(struct varlink_server *s,
                                      bool (*may_read_output)(gid_t gid, void *userdata),
                                      void *userdata);
void varlink_server_free(struct varlink_server *s);

/* Takes connections on a listening socket, which is the server's from then on (closed on failure,
 * too). */
int varlink_server_add_listener(struct varlink_server *s, int fd);
/* Binds a socket at `path` with this mode (a stale one is replaced) and listens. */
int varlink_server_listen(struct varlink_server *s, const char *path, mode_t mode);
/* Takes a connected socket as a client's; it is the server's then. For tests and fuzzing. */
int varlink_server_add_client(struct varlink_server *s, int fd);
size_t varlink_server_clients(const struct varlink_server *s);
/* Sends what is queued for clients, waiting up to `timeout` µs in all: before exec or exit. */
void varlink_server_flush(struct varlink_server *s, unsigned long long timeout);

/* ---- answering ---- */

/* Ends the call. `parameters` (NULL: empty) is taken over. All return 0, or a negative errno where
 * the client was dropped: the call is gone in that case, too. */
int varlink_reply(struct varlink_call *c, json_t *parameters);
/* `name` is this interface's error, or a full name ("org.varlink.service.InvalidParameter"). */
int varlink_error(struct varlink_call *c, const char *name, json_t *parameters);
/* One of several replies: the call goes on. Drops what is older than nothing: a client that does
 * not read 4 MiB is dropped. */
int varlink_notify(struct varlink_call *c, json_t *parameters);

/* Whether the client asked for a stream. */
bool varlink_call_wants_more(const struct varlink_call *c);
const struct varlink_peer *varlink_call_peer(const struct varlink_call *c);
bool varlink_call_may(const struct varlink_call *c, enum varlink_access access);
/* The three descriptors that a client who may change things has sent with the request: a new array,
 * all the caller's. NULL: not three came, or memory is out; what did is closed with the call. */
int *varlink_call_take_fds(struct varlink_call *c);
void *varlink_call_userdata(const struct varlink_call *c);
struct varlink_server *varlink_call_server(const struct varlink_call *c);

/* Keeps an unanswered call: `state` is the keeper's, given to `gone` once when the call has ended,
 * answered or not. */
void varlink_call_keep(struct varlink_call *c, void *state, void (*gone)(void *state));
/* Lets `produce` be called whenever little is queued for the client, so that a long stream follows
 * the pace of its reader. It sends some replies and returns 1 to be called again, or 0 when it has
 * ended the call, or a negative errno to drop the client. */
void varlink_call_produce(struct varlink_call *c,
                          int (*produce)(struct varlink_call *c, void *state));
