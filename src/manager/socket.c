/* Sockets (systemd.socket(5)): listening for a service that is started when somebody comes.
 *
 * Without Accept= the service gets the listening descriptors, and the unit is "running", watching
 * nothing, as long as the service is up. With it each connection gets an instance of a template. */
#include "manager/socket.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/rate_limit.h"
#include "base/str.h"
#include "base/strv.h"
#include "event/event.h"
#include "launch/track.h"
#include "manager/private.h"
#include "manager/property.h"
#include "manager/service.h"
#include "manager/socket_port.h"
#include "manager/state.h"
#include "manager/trigger.h"
#include "unit/config.h"
#include "unit/name.h"

enum socket_state {
    SOCKET_DEAD,
    SOCKET_LISTENING,
    SOCKET_RUNNING,
    SOCKET_FAILED,
    SOCKET_STATE_MAX,
};

static const struct trigger_state states[SOCKET_STATE_MAX] = {
    [SOCKET_DEAD] = { "dead", ACTIVE_INACTIVE },
    [SOCKET_LISTENING] = { "listening", ACTIVE_ACTIVE },
    [SOCKET_RUNNING] = { "running", ACTIVE_ACTIVE },
    [SOCKET_FAILED] = { "failed", ACTIVE_FAILED },
};

enum socket_result {
    SOCKET_SUCCESS,
    SOCKET_FAILURE_RESOURCES,
    SOCKET_FAILURE_EXIT_CODE, /* the owner: a process of its own looks it up in systemd */
    SOCKET_FAILURE_START_LIMIT,
    SOCKET_FAILURE_TRIGGER_LIMIT,
    SOCKET_FAILURE_SERVICE_START_LIMIT,
    SOCKET_RESULT_MAX,
};

static const char *const results[SOCKET_RESULT_MAX] = {
    [SOCKET_SUCCESS] = "success",
    [SOCKET_FAILURE_RESOURCES] = "resources",
    [SOCKET_FAILURE_EXIT_CODE] = "exit-code",
    [SOCKET_FAILURE_START_LIMIT] = "start-limit-hit",
    [SOCKET_FAILURE_TRIGGER_LIMIT] = "trigger-limit-hit",
    [SOCKET_FAILURE_SERVICE_START_LIMIT] = "service-start-limit-hit",
};

struct socket {
    struct unit unit;
    uint8_t state;  /* enum socket_state: assigned by set_state() alone */
    uint8_t result; /* enum socket_result */
    uint8_t restored;
    int accept_error; /* that was told: once, until a connection is accepted */
    struct socket_port *ports;
    struct rate_limit limit;
    struct rate_limit poll_limit; /* interval and burst alone: the loop counts */
    unsigned n_accepted, n_connections, n_refused;
    struct event_source *look; /* the service has changed */
    char *restored_address;    /* whose descriptor comes next; private to restoring */
};

static struct socket *SOCKET(const struct unit *u)
{
    return (struct socket *) u;
}

static const struct socket_config *socket_config(const struct socket *s)
{
    return s->unit.config->socket;
}

/* ---- state ---- */

static enum active_state socket_active_state(const struct unit *u)
{
    return states[SOCKET(u)->state].active;
}

static void close_ports(struct socket *s)
{
    bool remove = s->unit.config && socket_config(s)->remove_on_stop;

    for (struct socket_port *p = s->ports; p; p = p->next)
        socket_port_close(p, remove);
    if (!s->unit.config || !remove)
        return;
    STRV_FOREACH (link, socket_config(s)->symlinks)
        (void) unlink(*link);
}

static void watch_ports(struct socket *s, bool on)
{
    for (struct socket_port *p = s->ports; p; p = p->next) {
        if (!p->source)
            continue;
        if (on)
            event_source_enable(p->source);
        else
            event_source_disable(p->source);
    }
}

static void set_state(struct socket *s, enum socket_state state)
{
    enum socket_state old = s->state;
    bool down = state == SOCKET_DEAD || state == SOCKET_FAILED;

    watch_ports(s, state == SOCKET_LISTENING);
    if (down)
        close_ports(s);
    s->state = (uint8_t) state;
    if (down && s->unit.tracker)
        (void) tracker_remove(s->unit.tracker);
    unit_notify_state(&s->unit, states[old].active, states[state].active, false);
}

static void enter_dead(struct socket *s, enum socket_result result)
{
    if (s->result == SOCKET_SUCCESS)
        s->result = (uint8_t) result;
    if (s->result == SOCKET_SUCCESS)
        unit_log(&s->unit, MSG_UNIT_SUCCESS, 0, NULL);
    else
        unit_log(&s->unit, MSG_UNIT_FAILED, 0, "UNIT_RESULT", results[s->result], NULL);
    set_state(s, s->result == SOCKET_SUCCESS ? SOCKET_DEAD : SOCKET_FAILED);
}

/* ---- connections ---- */

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

/* No edge that keeps the instance: it goes when it has ended. */
static int tie(struct socket *s, struct unit *instance)
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

/* Starts the instance for a connection, which is closed where that cannot be. Returns a negative
 * errno where the socket had better stop listening. */
static int start_instance(struct socket *s, int fd)
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
    r = tie(s, u);
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

/* ---- somebody comes ---- */

static bool service_is_up_or_coming(struct socket *s)
{
    struct unit *other;

    UNIT_FOREACH_KIND(other, &s->unit, DEP_BIT(DEP_TRIGGERS))
    if (unit_active_or_pending(other))
        return true;
    return false;
}

/* `connection`: accepted, or -1. */
static void enter_running(struct socket *s, int connection)
{
    if (unit_stop_pending(&s->unit)) {
        if (connection >= 0) {
            close_fd(connection);
            s->n_refused++;
        } else {
            for (struct socket_port *p = s->ports; p; p = p->next)
                socket_port_flush(p);
        }
        return;
    }
    if (!rate_limit_below(&s->limit, now_usec(CLOCK_MONOTONIC))) {
        close_fd(connection);
        unit_log_text(&s->unit, LOG_WARNING, "Trigger limit hit, refusing further activation.");
        enter_dead(s, SOCKET_FAILURE_TRIGGER_LIMIT);
        return;
    }
    if (connection >= 0) {
        if (start_instance(s, connection) < 0)
            enter_dead(s, SOCKET_FAILURE_RESOURCES);
        unit_changed(&s->unit);
        return;
    }
    if (!service_is_up_or_coming(s) && trigger_fire(&s->unit, NULL) < 0) {
        enter_dead(s, SOCKET_FAILURE_RESOURCES);
        return;
    }
    set_state(s, SOCKET_RUNNING);
}

static void on_port(struct event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct socket_port *p = userdata;
    struct socket *s = SOCKET(p->unit);
    int connection = -1;

    if (s->state != SOCKET_LISTENING)
        return;
    if (revents != EPOLLIN && p->accepting) {
        unit_log_text(&s->unit, LOG_ERR, "Somebody has shut the listening socket %s down.",
                      p->address);
        enter_dead(s, SOCKET_FAILURE_RESOURCES);
        return;
    }
    if (socket_config(s)->accept && p->accepting) {
        connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (connection < 0) {
            /* It went away again, or there is no room: the next turn looks again. */
            if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR &&
                errno != s->accept_error) {
                s->accept_error = errno;
                unit_log_text(&s->unit, LOG_WARNING, "Failed to accept a connection: %s",
                              strerror(errno));
            }
            return;
        }
        s->accept_error = 0;
    }
    enter_running(s, connection);
}

static int watch_port(struct socket *s, struct socket_port *p)
{
    if (p->source)
        return 0;
    int r = event_add_io(manager_loop(s->unit.manager), p->fd, EPOLLIN, on_port, p, &p->source);
    if (r < 0)
        return r == -EPERM ? 0 : r; /* a regular file: it is never waited for */
    event_source_set_rate_limit(p->source, s->poll_limit.interval, s->poll_limit.burst);
    return 0;
}

/* All ports, or none. */
static int open_ports(struct socket *s)
{
    for (struct socket_port *p = s->ports; p; p = p->next) {
        int r = socket_port_open(p);
        if (r >= 0)
            r = watch_port(s, p);
        if (r < 0) {
            unit_log_text(&s->unit, LOG_ERR, "Failed to create listening socket (%s): %s",
                          p->address, strerror(-r));
            close_ports(s);
            return r;
        }
    }
    return 0;
}

static void make_links(struct socket *s)
{
    const struct socket_port *p = s->ports;

    while (p && !p->path)
        p = p->next;
    STRV_FOREACH (link, socket_config(s)->symlinks) {
        (void) mkdir_parents(*link, socket_config(s)->directory_mode);
        (void) unlink(*link);
        if (!p || symlink(p->path, *link) < 0)
            unit_log_text(&s->unit, LOG_WARNING, "Failed to create symlink %s, ignoring: %s", *link,
                          p ? strerror(errno) : "there is no path to point to");
    }
}

static void enter_listening(struct socket *s)
{
    if (!socket_config(s)->accept && socket_config(s)->flush_pending)
        for (struct socket_port *p = s->ports; p; p = p->next)
            socket_port_flush(p);
    set_state(s, SOCKET_LISTENING);
}

/* ---- the service changes ---- */

static void look_again(struct event_source *source, void *userdata)
{
    struct socket *s = userdata;
    struct unit *other = trigger_unit(&s->unit);

    if (!other || !s->unit.config || socket_config(s)->accept ||
        (s->state != SOCKET_LISTENING && s->state != SOCKET_RUNNING))
        return;
    if (other->start_limit_hit) {
        enter_dead(s, SOCKET_FAILURE_SERVICE_START_LIMIT);
        return;
    }
    if (other->job)
        return;
    bool down = inactive_or_failed(unit_active_state(other)) || unit_will_restart(other);
    if (down && s->state == SOCKET_RUNNING)
        enter_listening(s);
    else if (!down && s->state == SOCKET_LISTENING && unit_active_state(other) == ACTIVE_ACTIVE)
        set_state(s, SOCKET_RUNNING);
}

static void socket_triggered_changed(struct unit *u, struct unit *other)
{
    struct socket *s = SOCKET(u);

    if (other->ops == &service_ops && SERVICE(other)->connection &&
        inactive_or_failed(unit_active_state(other))) {
        socket_connection_free(SERVICE(other)->connection);
        SERVICE(other)->connection = NULL;
        return;
    }
    /* Not at once: the state of the other unit is still being told. */
    if (s->look && (s->state == SOCKET_LISTENING || s->state == SOCKET_RUNNING))
        event_source_enable(s->look);
}

/* ---- what services get ---- */

static char *fd_name(const struct unit *socket)
{
    char *name = socket->config ? socket->config->socket->file_descriptor_name : NULL;

    return isempty(name) ? socket->id : name;
}

int socket_list_fds(const struct unit *service, int **fds, char ***names, size_t *n)
{
    const struct service_connection *c = SERVICE(service)->connection;
    struct unit *socket;
    int r = 0;

    if (c)
        return passed_fd_add(fds, names, n, c->fd, c->socket ? fd_name(c->socket) : c->socket_name);
    UNIT_FOREACH_KIND(socket, service, DEP_BIT(DEP_TRIGGERED_BY))
    {
        if (socket->ops != &socket_ops)
            continue;
        for (struct socket_port *p = SOCKET(socket)->ports; r >= 0 && p; p = p->next)
            if (p->fd >= 0)
                r = passed_fd_add(fds, names, n, p->fd, fd_name(socket));
    }
    return r;
}

void socket_connection_adopted(struct unit *service, struct service_connection *c)
{
    struct unit *u = manager_unit(service->manager, c->socket_name);

    if (!u || u->ops != &socket_ops || c->socket)
        return;
    c->socket = u;
    unit_ref(u);
    SOCKET(u)->n_connections++;
    (void) tie(SOCKET(u), service);
}

/* ---- what the manager asks ---- */

static int check_settings(struct unit *u, const struct socket_config *c)
{
    if (!c->listen)
        return unit_load_fault(u, "Unit has no Listen setting (ListenStream=, ListenDatagram=, "
                                  "ListenFIFO=, ...).");
    if (c->accept && c->max_connections == 0)
        return unit_load_fault(u, "MaxConnection= setting too small.");
    if (c->accept && !isempty(c->service))
        return unit_load_fault(u, "Explicit service configuration for accepting socket units not "
                                  "supported.");
    for (const struct socket_listen *l = c->listen; c->accept && l; l = l->next)
        if (l->kind != LISTEN_STREAM && l->kind != LISTEN_SEQUENTIAL_PACKET)
            return unit_load_fault(u, "Unit configured for accepting sockets, but sockets are "
                                      "non-accepting.");
    return 0;
}

static struct rate_limit limit_of(usec_t interval, unsigned burst, unsigned preset_burst)
{
    return (struct rate_limit){
        .interval = interval == USEC_INFINITY ? 2 * USEC_PER_SEC : interval,
        .burst = burst == UINT_MAX ? preset_burst : burst,
    };
}

/* Descriptors of ports that are there before and after stay open. */
static int make_ports(struct socket *s, const struct socket_config *c)
{
    struct socket_port *old = s->ports, *fresh = NULL;
    int r = socket_ports_new(&s->unit, c, &fresh);

    if (r < 0)
        return r;
    for (struct socket_port *p = fresh; p; p = p->next)
        for (struct socket_port *o = old; o && p->fd < 0; o = o->next)
            if (streq(o->address, p->address) && o->kind == p->kind) {
                o->source = event_source_free(o->source);
                p->fd = take_fd(&o->fd);
            }
    s->ports = fresh;
    socket_ports_free(old);
    return 0;
}

static int socket_load(struct unit *u)
{
    struct socket *s = SOCKET(u);
    const struct socket_config *c = u->config->socket;
    int r = check_settings(u, c);

    if (r < 0)
        return r;
    r = make_ports(s, c);
    if (r == -EINVAL || r == -ENODEV)
        return unit_load_fault(u, "An address to listen on cannot be read.");
    unsigned n_paths = 0;
    for (const struct socket_port *p = s->ports; p; p = p->next)
        n_paths += p->path != NULL;
    if (c->symlinks && n_paths != 1)
        return unit_load_fault(u, "Unit has symlinks set but none or more than one node in the "
                                  "file system.");
    s->limit = limit_of(c->trigger_limit_interval_sec, c->trigger_limit_burst,
                        c->accept ? 200 : 20);
    s->poll_limit = limit_of(c->poll_limit_interval_sec, c->poll_limit_burst, c->accept ? 150 : 15);
    if (r >= 0 && !s->look) {
        r = event_add_post(manager_loop(u->manager), look_again, s, &s->look);
        if (r >= 0)
            event_source_disable(s->look);
    }
    if (r >= 0 && !c->accept)
        r = trigger_add_unit(u, c->service);
    if (r >= 0)
        r = trigger_add_default_dependencies(u, "sockets.target");
    for (const struct socket_port *p = s->ports; r >= 0 && p; p = p->next)
        if (p->path)
            r = unit_add_mounts_for(u, p->path, false);
    return r < 0 ? r : 0;
}

static void socket_done(struct unit *u)
{
    struct socket *s = SOCKET(u);
    struct unit *other;

    UNIT_FOREACH_KIND(other, u, DEP_BIT(DEP_TRIGGERS))
    if (other->ops == &service_ops && SERVICE(other)->connection)
        SERVICE(other)->connection->socket = NULL; /* all units are being freed */
    s->look = event_source_free(s->look);
    socket_ports_free(s->ports);
    free(s->restored_address);
}

static int socket_can_start(struct unit *u)
{
    int r = unit_check_start_limit(u);

    if (r < 0)
        enter_dead(SOCKET(u), SOCKET_FAILURE_START_LIMIT);
    return r < 0 ? r : 1;
}

static int socket_start(struct unit *u)
{
    struct socket *s = SOCKET(u);
    struct unit *other = socket_config(s)->accept ? NULL : trigger_unit(u);
    struct tracker *tracker;

    if (!socket_config(s)->accept && (!other || other->load_state != LOAD_LOADED)) {
        unit_log_text(u, LOG_ERR, "Socket service %s not loaded, refusing.",
                      other ? other->id : "(none)");
        return -ENOENT;
    }
    if (other && !inactive_or_failed(unit_active_state(other)) && !unit_will_restart(other)) {
        unit_log_text(u, LOG_ERR, "Socket service %s already active, refusing.", other->id);
        return -EBUSY;
    }
    unit_new_invocation(u);
    s->result = SOCKET_SUCCESS;
    s->n_accepted = s->n_refused = 0;
    if (unit_tracker(u, &tracker) < 0)
        unit_log_text(u, LOG_DEBUG, "The socket's cgroup could not be made.");
    int r = open_ports(s);
    if (r < 0) {
        enter_dead(s, r == -ESRCH ? SOCKET_FAILURE_EXIT_CODE : SOCKET_FAILURE_RESOURCES);
        return -EIO;
    }
    make_links(s);
    enter_listening(s);
    return 1;
}

static int socket_stop(struct unit *u)
{
    enter_dead(SOCKET(u), SOCKET_SUCCESS);
    return 1;
}

/* After settings were read anew, or state handed over: ports that are new are opened, edges to
 * instances made again. */
static void go_on(struct socket *s)
{
    struct unit *other;

    MANAGER_FOREACH_UNIT(other, s->unit.manager)
    if (other->ops == &service_ops && SERVICE(other)->connection &&
        SERVICE(other)->connection->socket == &s->unit)
        (void) tie(s, other);
    if (s->state != SOCKET_LISTENING && s->state != SOCKET_RUNNING)
        return;
    if (open_ports(s) < 0)
        enter_dead(s, SOCKET_FAILURE_RESOURCES);
    else
        watch_ports(s, s->state == SOCKET_LISTENING);
}

static void socket_reloaded(struct unit *u)
{
    struct socket *s = SOCKET(u);

    /* The settings that the ports refer to are gone, also where the new ones could not be loaded.
     */
    if (make_ports(s, u->config->socket) < 0)
        enter_dead(s, SOCKET_FAILURE_RESOURCES);
    else
        go_on(s);
}

static void socket_reset_failed(struct unit *u)
{
    struct socket *s = SOCKET(u);

    if (s->state == SOCKET_FAILED)
        set_state(s, SOCKET_DEAD);
    s->result = SOCKET_SUCCESS;
}

static const char *socket_sub_state(const struct unit *u)
{
    return states[SOCKET(u)->state].name;
}

static const char *socket_result(const struct unit *u)
{
    return results[SOCKET(u)->result];
}

/* ---- hand-over ---- */

static int socket_save(const struct unit *u, struct state_writer *w)
{
    const struct socket *s = SOCKET(u);

    trigger_save(w, &states[s->state], s->result);
    state_write_u64(w, "accepted", s->n_accepted);
    state_write_u64(w, "refused", s->n_refused);
    for (const struct socket_port *p = s->ports; p; p = p->next)
        if (p->fd >= 0) {
            state_writef(w, "port", "%u %s", p->kind, p->address);
            state_write_fd(w, "port-fd", p->fd);
        }
    return 0;
}

static int restore_fd(struct socket *s, const char *value, struct state_reader *r)
{
    auto_free char *address = take_ptr(s->restored_address);
    auto_close int fd = -1;
    int k = state_take_fd(r, value, &fd);

    for (struct socket_port *p = s->ports; k >= 0 && address && p; p = p->next) {
        auto_free char *mine = format("%u %s", p->kind, p->address);

        if (p->fd < 0 && mine && streq(mine, address))
            p->fd = take_fd(&fd);
    }
    return k;
}

static int socket_restore(struct unit *u, const char *key, const char *value,
                          struct state_reader *r)
{
    struct socket *s = SOCKET(u);
    uint64_t n = 0;

    if (streq(key, "port"))
        return str_replace(&s->restored_address, value);
    if (streq(key, "port-fd"))
        return restore_fd(s, value, r);
    if (streq(key, "accepted") || streq(key, "refused")) {
        if (state_read_u64(value, &n) < 0)
            return -EINVAL;
        *(streq(key, "accepted") ? &s->n_accepted : &s->n_refused) = (unsigned) n;
        return 0;
    }
    return MIN(0, trigger_restore(key, value, states, SOCKET_STATE_MAX, SOCKET_RESULT_MAX,
                                  &s->restored, &s->result));
}

static int socket_coldplug(struct unit *u)
{
    struct socket *s = SOCKET(u);
    enum socket_state state = s->restored;

    if (state == SOCKET_DEAD || !u->config)
        return 0;
    s->restored = SOCKET_DEAD;
    set_state(s, state);
    go_on(s);
    if (s->look)
        event_source_enable(s->look);
    return 0;
}

/* ---- properties ---- */

#define NUMBER(name, value_kind, expression) \
    static int get_##name(const struct unit *u, struct property_value *v) \
    { \
        const struct socket *s = SOCKET(u); \
        *v = (struct property_value){ .kind = (value_kind), .number = (expression) }; \
        return 0; \
    }
NUMBER(n_connections, VALUE_UINT, s->n_connections)
NUMBER(n_accepted, VALUE_UINT, s->n_accepted)
NUMBER(n_refused, VALUE_UINT, s->n_refused)
NUMBER(trigger_interval, VALUE_SPAN, s->limit.interval)
NUMBER(trigger_burst, VALUE_UINT, s->limit.burst)
NUMBER(poll_interval, VALUE_SPAN, s->poll_limit.interval)
NUMBER(poll_burst, VALUE_UINT, s->poll_limit.burst)

static int get_control_pid(const struct unit *u, struct property_value *v)
{
    return property_put_number(v, VALUE_UINT, 0);
}

static int get_result(const struct unit *u, struct property_value *v)
{
    *v = (struct property_value){ .kind = VALUE_STRING, .text = socket_result(u) };
    return 0;
}

static int get_fd_name(const struct unit *u, struct property_value *v)
{
    *v = (struct property_value){ .kind = VALUE_STRING, .text = fd_name(u) };
    return 0;
}

static int get_listen(const struct unit *u, struct property_value *v)
{
    auto_strbuf struct strbuf text = { 0 };

    for (const struct socket_port *p = SOCKET(u)->ports; p; p = p->next)
        strbuf_addf(&text, "%s (%s)%s", p->address,
                    socket_listen_kind_to_string(p->kind) + strlen("Listen"), p->next ? "\n" : "");
    if (!SOCKET(u)->ports)
        return -ENODATA;
    v->kind = VALUE_STRING;
    v->owned = strbuf_take(&text);
    v->text = v->owned;
    return v->owned ? 0 : -ENOMEM;
}

static const struct property_row socket_properties[] = {
    { "Listen", get_listen },
    { "Result", get_result },
    { "NConnections", get_n_connections },
    { "NAccepted", get_n_accepted },
    { "NRefused", get_n_refused },
    { "FileDescriptorName", get_fd_name },
    { "TriggerLimitIntervalUSec", get_trigger_interval },
    { "TriggerLimitBurst", get_trigger_burst },
    { "PollLimitIntervalUSec", get_poll_interval },
    { "PollLimitBurst", get_poll_burst },
    { "ControlPID", get_control_pid },
    { "NonBlocking", property_no }, /* of services */
    { "SELinuxContextFromNet", property_none },
    { "Service", property_none },
    { 0 },
};

const struct unit_ops socket_ops = {
    .object_size = sizeof(struct socket),
    .has_processes = true,
    .can_transient = true,
    .done = socket_done,
    .load = socket_load,
    .coldplug = socket_coldplug,
    .reloaded = socket_reloaded,
    .start = socket_start,
    .stop = socket_stop,
    .can_start = socket_can_start,
    .active_state = socket_active_state,
    .sub_state = socket_sub_state,
    .triggered_changed = socket_triggered_changed,
    .reset_failed = socket_reset_failed,
    .save = socket_save,
    .restore = socket_restore,
    .result = socket_result,
    .properties = socket_properties,
};
