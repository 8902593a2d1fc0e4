/* Connections of sockets with Accept=yes, each of which gets an instance of the service's template.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "manager/private.h"
#include "manager/service.h"
#include "manager/socket_port.h"
#include "manager/socket_private.h"
#include "unit/name.h"

union peer {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un un;
};

/* Address and port of an IP socket's end; an IPv4 address in IPv6's clothes is shown as what it is.
 */
static bool ip_text(const union peer *p, char text[INET6_ADDRSTRLEN], unsigned *ret_port)
{
    if (p->any.sa_family == AF_INET) {
        *ret_port = ntohs(p->v4.sin_port);
        return inet_ntop(AF_INET, &p->v4.sin_addr, text, INET6_ADDRSTRLEN);
    }
    if (p->any.sa_family != AF_INET6)
        return false;
    *ret_port = ntohs(p->v6.sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(&p->v6.sin6_addr))
        return inet_ntop(AF_INET, &p->v6.sin6_addr.s6_addr[12], text, INET6_ADDRSTRLEN);
    return inet_ntop(AF_INET6, &p->v6.sin6_addr, text, INET6_ADDRSTRLEN);
}

static bool peer_of(int fd, union peer *ret)
{
    socklen_t n = sizeof *ret;

    *ret = (union peer){ 0 };
    return getpeername(fd, &ret->any, &n) == 0;
}

/* The instance's name says which connection it is (systemd.socket(5), Accept=). NULL where the peer
 * is gone already, or memory out: errno says which. */
static char *instance_of(struct socket *s, int fd)
{
    char here[INET6_ADDRSTRLEN], there[INET6_ADDRSTRLEN];
    unsigned port_here, port_there;
    union peer local = { 0 }, remote;
    socklen_t n = sizeof local;
    struct ucred peer;

    if (getsockname(fd, &local.any, &n) < 0)
        return NULL;
    if (ip_text(&local, here, &port_here)) {
        if (!peer_of(fd, &remote) || !ip_text(&remote, there, &port_there))
            return NULL;
        return format("%u-%s:%u-%s:%u", s->n_accepted, here, port_here, there, port_there);
    }
    n = sizeof peer;
    if (local.any.sa_family == AF_UNIX && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0 &&
        peer.pid > 0)
        return format("%u-%d-%u", s->n_accepted, peer.pid, peer.uid);
    return format("%u", s->n_accepted);
}

static char *source_of(int fd)
{
    char there[INET6_ADDRSTRLEN];
    union peer remote;
    struct ucred peer;
    socklen_t n = sizeof peer;
    unsigned port;

    if (peer_of(fd, &remote) && ip_text(&remote, there, &port))
        return format("ip %s", there);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &n) == 0)
        return format("uid %u", peer.uid);
    return NULL;
}

/* "10.1.2.3:45678", as the instance's description has it; NULL where nothing is known. */
static char *peer_text(int fd)
{
    char there[INET6_ADDRSTRLEN];
    union peer remote;
    unsigned port;

    if (!peer_of(fd, &remote) || !ip_text(&remote, there, &port))
        return NULL;
    return strchr(there, ':') ? format("[%s]:%u", there, port) : format("%s:%u", there, port);
}

int socket_connection_environment(const struct service_connection *c, char ***environment)
{
    char there[INET6_ADDRSTRLEN];
    union peer remote;
    unsigned port;

    if (!peer_of(c->fd, &remote))
        return 0;
    if (ip_text(&remote, there, &port)) {
        int r = strv_addf(environment, "REMOTE_ADDR=%s", there);
        return r < 0 ? r : strv_addf(environment, "REMOTE_PORT=%u", port);
    }
    if (remote.any.sa_family == AF_UNIX && remote.un.sun_path[0])
        return strv_addf(environment, "REMOTE_ADDR=%s", remote.un.sun_path);
    if (remote.any.sa_family == AF_UNIX && remote.un.sun_path[1])
        return strv_addf(environment, "REMOTE_ADDR=@%s", remote.un.sun_path + 1);
    return 0;
}

static unsigned connections_from(struct socket *s, const char *source)
{
    struct unit *other;
    unsigned n = 0;

    UNIT_FOREACH_KIND(other, &s->unit, DEP_BIT(DEP_TRIGGERS))
    if (other->ops == &service_ops && SERVICE(other)->connection &&
        streq_ptr(SERVICE(other)->connection->source, source))
        n++;
    return n;
}

/* Description= of the instance says whose connection it is. */
static void describe_instance(struct unit *u, const char *peer)
{
    struct unit_section *own = u->config ? unit_config_own(u->config, GROUP_UNIT) : NULL;
    auto_free char *text = NULL;

    if (!own)
        return;
    text = isempty(own->description) ? strdup(peer) : format("%s (%s)", own->description, peer);
    if (text)
        (void) str_replace(&own->description, text);
}

int socket_tie(struct socket *s, struct unit *instance)
{
    int r = dependency_add(&s->unit, DEP_BEFORE, instance);

    return r < 0 ? r : dependency_add(&s->unit, DEP_TRIGGERS, instance);
}

static int connection_new(struct socket *s, int fd, char *source, struct service_connection **ret)
{
    struct service_connection *c = new0(struct service_connection, 1);

    if (!c)
        return -ENOMEM;
    c->socket_name = strdup(s->unit.id);
    if (!c->socket_name) {
        free(c);
        return -ENOMEM;
    }
    c->socket = &s->unit;
    unit_ref(c->socket);
    c->source = source;
    c->fd = fd;
    s->n_connections++;
    *ret = c;
    return 0;
}

void socket_connection_free(struct service_connection *c)
{
    if (!c)
        return;
    if (c->socket) {
        struct socket *s = SOCKET(c->socket);

        s->n_connections -= s->n_connections > 0;
        unit_changed(c->socket);
        unit_unref(c->socket);
    }
    close_fd(c->fd);
    free(c->socket_name);
    free(c->source);
    free(c);
}

static int instance_load(struct socket *s, int fd, struct unit **ret)
{
    auto_op_error struct op_error e = { 0 };
    auto_free char *prefix = NULL, *name = NULL, *instance = instance_of(s, fd);

    if (!instance)
        return -ENOTCONN;
    int r = unit_name_prefix(s->unit.id, &prefix);
    if (r < 0)
        return r;
    name = format("%s@%s.service", prefix, instance);
    return name ? manager_load_unit(s->unit.manager, name, ret, &e) : -ENOMEM;
}

int socket_start_instance(struct socket *s, int fd)
{
    auto_op_error struct op_error e = { 0 };
    auto_free char *source = source_of(fd), *peer = peer_text(fd);
    const struct socket_config *c = socket_config(s);
    auto_close int connection = fd;
    struct unit *u;

    if (s->n_connections >= c->max_connections) {
        unit_log_text(&s->unit, LOG_WARNING,
                      "Too many incoming connections (%u), dropping connection.", s->n_connections);
        s->n_refused++;
        return 0;
    }
    if (c->max_connections_per_source > 0 && source &&
        connections_from(s, source) >= c->max_connections_per_source) {
        unit_log_text(&s->unit, LOG_WARNING,
                      "Too many incoming connections (%u) from source %s, dropping connection.",
                      c->max_connections_per_source, source);
        s->n_refused++;
        return 0;
    }
    socket_connection_options(&s->unit, c, fd);
    int r = instance_load(s, fd, &u);
    if (r == -ENOTCONN)
        return 0; /* who connected is gone */
    if (r < 0 || u->ops != &service_ops || SERVICE(u)->connection) {
        unit_log_text(&s->unit, LOG_ERR, "Failed to load the instance of a connection: %s",
                      strerror(r < 0 ? -r : EEXIST));
        return r < 0 ? r : -EEXIST;
    }
    s->n_accepted++;
    r = connection_new(s, connection, source, &SERVICE(u)->connection);
    if (r < 0)
        return r;
    take_fd(&connection);
    source = NULL;
    if (peer)
        describe_instance(u, peer);
    r = socket_tie(s, u);
    if (r >= 0)
        r = manager_add_job(u->manager, JOB_START, u, JOB_MODE_REPLACE, NULL, &e);
    if (r < 0) {
        unit_log_text(&s->unit, LOG_WARNING, "Failed to queue service startup job: %s",
                      e.message ? e.message : strerror(-r));
        socket_connection_free(SERVICE(u)->connection);
        SERVICE(u)->connection = NULL;
    }
    return r;
}
