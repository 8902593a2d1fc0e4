/* manager/socket_private.h -- the inside of socket units, for socket.c (ports, what the manager
 * asks), socket_state.c (states, commands) and socket_connection.c (Accept=). */
#pragma once

#include "base/rate_limit.h"
#include "manager/control_process.h"
#include "manager/socket.h"
#include "manager/trigger.h"
#include "unit/config.h"

enum socket_state {
    SOCKET_DEAD,
    SOCKET_START_PRE,
    SOCKET_START_POST,
    SOCKET_LISTENING,
    SOCKET_RUNNING,
    SOCKET_STOP_PRE,
    SOCKET_STOP_PRE_SIGTERM,
    SOCKET_STOP_PRE_SIGKILL,
    SOCKET_STOP_POST,
    SOCKET_FINAL_SIGTERM,
    SOCKET_FINAL_SIGKILL,
    SOCKET_FAILED,
    SOCKET_STATE_MAX,
};
extern const struct trigger_state socket_states[SOCKET_STATE_MAX];

enum socket_result {
    SOCKET_SUCCESS,
    SOCKET_FAILURE_RESOURCES,
    SOCKET_FAILURE_TIMEOUT,
    SOCKET_FAILURE_EXIT_CODE,
    SOCKET_FAILURE_SIGNAL,
    SOCKET_FAILURE_CORE_DUMP,
    SOCKET_FAILURE_START_LIMIT,
    SOCKET_FAILURE_TRIGGER_LIMIT,
    SOCKET_FAILURE_SERVICE_START_LIMIT,
    SOCKET_RESULT_MAX,
};
extern const char *const socket_results[SOCKET_RESULT_MAX];

struct socket {
    struct unit unit;
    uint8_t state;  /* enum socket_state: assigned by socket_set_state() alone */
    uint8_t result; /* enum socket_result */
    uint8_t restored;
    uint16_t index;   /* which command of its list the control process runs */
    int accept_error; /* that was told: once, until a connection is accepted */
    struct socket_port *ports;
    struct rate_limit limit;
    struct rate_limit poll_limit; /* interval and burst alone: the loop counts */
    unsigned n_accepted, n_connections, n_refused;
    struct event_source *look; /* the service has changed */
    struct control_process control;
    struct event_source *deadline; /* TimeoutSec= of what is going on; NULL */
    char *restored_address;        /* whose descriptor comes next; private to restoring */
};

static inline struct socket *SOCKET(const struct unit *u)
{
    return (struct socket *) u;
}

static inline const struct socket_config *socket_config(const struct socket *s)
{
    return s->unit.config->socket;
}

/* ---- socket.c ---- */

/* Makes all ports, or none, and the links. 0 or a negative errno (logged): -ESRCH for an owner that
 * is nobody. */
int socket_open(struct socket *s);
void socket_close(struct socket *s);
void socket_watch_ports(struct socket *s, bool on);
void socket_flush(struct socket *s);
/* Adds the descriptors of its ports, as socket_list_fds() does. */
int socket_add_ports(const struct socket *s, int **fds, char ***names, size_t *n);

/* ---- socket_state.c ---- */

void socket_set_state(struct socket *s, enum socket_state state);
/* The start, from its first command on; the stop, which may take the result of what failed. */
void socket_begin_start(struct socket *s);
void socket_begin_stop(struct socket *s, enum socket_result result);
void socket_enter_dead(struct socket *s, enum socket_result result);
/* The settings were read anew: the running command is that of the same place in them, or none. */
void socket_find_command(struct socket *s);
/* After a hand-over: the control process and the deadline of the state. */
void socket_resume(struct socket *s, enum socket_state state);
/* Frees what the two are. */
void socket_control_done(struct socket *s);
/* Of unit_ops. */
int socket_stop(struct unit *u);
void socket_child_exited(struct unit *u, pid_t pid, int code, int status);
void socket_processes_gone(struct unit *u);

/* ---- socket_connection.c ---- */

/* Starts the instance for a connection, which is closed where that cannot be. Returns a negative
 * errno where the socket had better stop listening. */
int socket_start_instance(struct socket *s, int fd);
/* No edge that keeps the instance: it goes when it has ended. 0 or -ENOMEM. */
int socket_tie(struct socket *s, struct unit *instance);
