/* control/client.h -- the verbs' end of the control socket: blocking calls. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/time.h"

struct control_client;

/* Which manager is meant. */
enum control_scope {
    CONTROL_SYSTEM, /* the one of the machine or container */
    CONTROL_USER,   /* the caller's own */
};

/* Where a manager's socket may be, the likeliest first: $REEVE_CONTROL alone if it is set; else
 * reeve/io.reeve.Manager below /run, /dev/shm and /tmp for the system, and below $XDG_RUNTIME_DIR,
 * /run/user/UID, /dev/shm and /tmp (reeve-UID) for a user. A new strv, or NULL where memory is out.
 */
char **control_paths(enum control_scope scope);
/* Those of another user's own manager, which root may steer. */
char **control_paths_of(uid_t uid);

/* Connects to the first of these sockets that a manager answers on. A socket whose owner is neither
 * root nor the caller is not used. Returns 0; -ENOENT or -ECONNREFUSED where no manager runs;
 * -EACCES; -EPERM (a stranger's socket); *ret_path, a new string, may be NULL. */
int control_connect(enum control_scope scope, struct control_client **ret, char **ret_path);
int control_connect_path(const char *path, struct control_client **ret);
/* The same with the manager of that user. */
int control_connect_user(uid_t uid, struct control_client **ret, char **ret_path);
void control_client_free(struct control_client *c);
DEFINE_AUTO(struct control_client, control_client, control_client_free)
#define auto_control_client _cleanup_(auto_control_client_p)

/* What a manager answered in place of a reply. */
struct control_error {
    char *name;    /* "io.reeve.Manager.NoSuchUnit" */
    char *message; /* for people; never NULL once name is set */
    json_t *parameters;
};
void control_error_done(struct control_error *e);
#define auto_control_error _cleanup_(control_error_done)
/* Whether this is the error of that last part of the name: "NoSuchUnit". */
bool control_error_is(const struct control_error *e, const char *name);

/* Calls `method` of io.reeve.Manager ("ListUnits"; or a full name) and waits for its one answer.
 * `parameters` (NULL: none) is taken over. *ret_reply (may be NULL) is the caller's.
 * Returns 0; -EREMOTEIO where the manager answered with an error, which is in *e; -ECONNRESET where
 * it hung up; -EPROTO for what is no answer; -ENOMEM. */
int control_call(struct control_client *c, const char *method, json_t *parameters,
                 json_t **ret_reply, struct control_error *e);

/* Begins a call that is answered by a stream, of which control_next() takes the answers. */
int control_call_more(struct control_client *c, const char *method, json_t *parameters);
/* The same, and passes three descriptors, which stay the caller's. */
int control_call_more_fds(struct control_client *c, const char *method, json_t *parameters,
                          const int fds[static 3]);

/* The next answer of the stream: 1 with *ret_reply; 0 at its end, *ret_reply being the last answer
 * (which may be an empty object); -ETIMEDOUT after `timeout` µs; else as control_call(). */
int control_next(struct control_client *c, usec_t timeout, json_t **ret_reply,
                 struct control_error *e);

/* The socket, to be polled; readable when control_next() has something to take. */
int control_client_fd(const struct control_client *c);
/* Whether an answer has been received already. */
bool control_client_has_answer(struct control_client *c);
