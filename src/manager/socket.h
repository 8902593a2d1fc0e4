/* manager/socket.h -- what services have to do with the sockets that set them off
 * (systemd.socket(5)). */
#pragma once

#include <stddef.h>

#include "manager/unit.h"

struct service;

/* The connection that an instance was started for (Accept=yes). */
struct service_connection {
    struct unit
        *socket; /* referred to; NULL after a hand-over, until socket_connection_adopted() */
    char *socket_name;
    char *source; /* what MaxConnectionsPerSource= counts by: "ip 10.1.2.3", "uid 1000"; NULL */
    int fd;
};

/* Adds what the service gets from the sockets that it belongs to: of all their ports, or its one
 * connection. The arrays are grown by realloc(3); names are the sockets' strings. Returns 0 or
 * -ENOMEM. */
int socket_list_fds(const struct unit *service, int **fds, char ***names, size_t *n);
/* REMOTE_ADDR= and REMOTE_PORT= of the connection, systemd.exec(5). Returns 0 or -ENOMEM. */
int socket_connection_environment(const struct service_connection *c, char ***environment);
/* The connection of a service that came over from an earlier process is its socket's again. */
void socket_connection_adopted(struct unit *service, struct service_connection *c);
/* Closes it, and tells the socket. NULL is allowed. */
void socket_connection_free(struct service_connection *c);
