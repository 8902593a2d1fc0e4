/* manager/socket_port.h -- one Listen...= of a socket unit (systemd.socket(5)): its address, and
 * the descriptor that listens there. */
#pragma once

#include <stdbool.h>

#include "event/event.h"
#include "unit/config.h"

struct unit;

struct socket_port {
    struct socket_port *next;
    struct unit *unit; /* the socket unit */
    char *written;     /* the address as the file has it */
    char *address;     /* as `show` has it: "[::]:80", "/run/x.sock", "@abstract" */
    char *path;        /* what is in the file system; NULL for the network and abstract names */
    uint8_t kind;      /* enum socket_listen_kind */
    int fd;            /* -1: not open */
    bool accepting;    /* connections are made to it: a stream or sequential packets */
    struct event_source *source;
};

/* A list of ports that are not open, for the settings. The caller's, freed by socket_ports_free().
 * Returns 0; -EINVAL for an address that cannot be read; -ENOMEM. */
int socket_ports_new(struct unit *u, const struct socket_config *c, struct socket_port **ret);
/* Closes what is open. NULL is allowed. */
void socket_ports_free(struct socket_port *ports);

/* Makes the socket, FIFO or queue, with all options of the unit, and listens. Files in the way that
 * are sockets are replaced. Options that the kernel refuses are warned of and left out. Returns 0
 * or a negative errno. */
int socket_port_open(struct socket_port *p);
/* Closes it; `remove` deletes its file as well (RemoveOnStop=). */
void socket_port_close(struct socket_port *p, bool remove);
/* Drops what waits in it: connections, datagrams, bytes. */
void socket_port_flush(struct socket_port *p);
/* Sets the options that connections have of their own (KeepAlive=, NoDelay= ...). */
void socket_connection_options(struct unit *u, const struct socket_config *c, int fd);
