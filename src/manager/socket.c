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
#include "manager/socket_private.h"
#include "manager/state.h"
#include "manager/trigger.h"
#include "unit/config.h"
#include "unit/name.h"

/* ---- state ---- */

static enum active_state socket_active_state(const struct unit *u)
{
    return socket_states[SOCKET(u)->state].active;
}

void socket_close(struct socket *s)
{
    bool remove = s->unit.config && socket_config(s)->remove_on_stop;

    for (struct socket_port *p = s->ports; p; p = p->next)
        socket_port_close(p, remove);
    if (!s->unit.config || !remove)
        return;
    STRV_FOREACH (link, socket_config(s)->symlinks)
        (void) unlink(*link);
}

void socket_watch_ports(struct socket *s, bool on)
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
        socket_begin_stop(s, SOCKET_FAILURE_TRIGGER_LIMIT);
        return;
    }
    if (connection >= 0) {
        if (socket_start_instance(s, connection) < 0)
            socket_begin_stop(s, SOCKET_FAILURE_RESOURCES);
        unit_changed(&s->unit);
        return;
    }
    if (!service_is_up_or_coming(s) && trigger_fire(&s->unit, NULL) < 0) {
        socket_begin_stop(s, SOCKET_FAILURE_RESOURCES);
        return;
    }
    socket_set_state(s, SOCKET_RUNNING);
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
        socket_begin_stop(s, SOCKET_FAILURE_RESOURCES);
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
            socket_close(s);
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

int socket_open(struct socket *s)
{
    int r = open_ports(s);

    if (r >= 0)
        make_links(s);
    return r;
}

void socket_flush(struct socket *s)
{
    if (!socket_config(s)->accept && socket_config(s)->flush_pending)
        for (struct socket_port *p = s->ports; p; p = p->next)
            socket_port_flush(p);
}

/* ---- the service changes ---- */

static void listen_again(struct socket *s)
{
    socket_flush(s);
    socket_set_state(s, SOCKET_LISTENING);
}

static void look_again(struct event_source *source, void *userdata)
{
    struct socket *s = userdata;
    struct unit *other = trigger_unit(&s->unit);

    if (!other || !s->unit.config || socket_config(s)->accept ||
        (s->state != SOCKET_LISTENING && s->state != SOCKET_RUNNING))
        return;
    if (other->start_limit_hit) {
        socket_begin_stop(s, SOCKET_FAILURE_SERVICE_START_LIMIT);
        return;
    }
    if (other->job)
        return;
    bool down = inactive_or_failed(unit_active_state(other)) || unit_will_restart(other);
    if (down && s->state == SOCKET_RUNNING)
        listen_again(s);
    else if (!down && s->state == SOCKET_LISTENING && unit_active_state(other) == ACTIVE_ACTIVE)
        socket_set_state(s, SOCKET_RUNNING);
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

int socket_add_ports(const struct socket *s, int **fds, char ***names, size_t *n)
{
    int r = 0;

    for (struct socket_port *p = s->ports; r >= 0 && p; p = p->next)
        if (p->fd >= 0)
            r = passed_fd_add(fds, names, n, p->fd, fd_name(&s->unit));
    return r;
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
        if (r >= 0)
            r = socket_add_ports(SOCKET(socket), fds, names, n);
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
    (void) socket_tie(SOCKET(u), service);
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
    socket_control_done(s);
    socket_ports_free(s->ports);
    free(s->restored_address);
}

static int socket_can_start(struct unit *u)
{
    int r = unit_check_start_limit(u);

    if (r < 0)
        socket_enter_dead(SOCKET(u), SOCKET_FAILURE_START_LIMIT);
    return r < 0 ? r : 1;
}

static int socket_start(struct unit *u)
{
    struct socket *s = SOCKET(u);
    struct unit *other = socket_config(s)->accept ? NULL : trigger_unit(u);
    struct tracker *tracker;

    if (socket_states[s->state].active == ACTIVE_ACTIVATING)
        return 0;
    if (socket_states[s->state].active == ACTIVE_DEACTIVATING)
        return -EAGAIN;
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
    unit_tell_leftovers(u, true);
    socket_begin_start(s);
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
        (void) socket_tie(s, other);
    if (s->state != SOCKET_LISTENING && s->state != SOCKET_RUNNING)
        return;
    if (open_ports(s) < 0)
        socket_begin_stop(s, SOCKET_FAILURE_RESOURCES);
    else
        socket_watch_ports(s, s->state == SOCKET_LISTENING);
}

static void socket_reloaded(struct unit *u)
{
    struct socket *s = SOCKET(u);

    socket_find_command(s);
    /* The settings that the ports refer to are gone, also where the new ones could not be loaded.
     */
    if (make_ports(s, u->config->socket) < 0)
        socket_begin_stop(s, SOCKET_FAILURE_RESOURCES);
    else
        go_on(s);
}

static void socket_reset_failed(struct unit *u)
{
    struct socket *s = SOCKET(u);

    if (s->state == SOCKET_FAILED)
        socket_set_state(s, SOCKET_DEAD);
    s->result = SOCKET_SUCCESS;
}

static const char *socket_sub_state(const struct unit *u)
{
    return socket_states[SOCKET(u)->state].name;
}

static pid_t socket_control_pid(const struct unit *u)
{
    return SOCKET(u)->control.pid;
}

static const char *socket_result(const struct unit *u)
{
    return socket_results[SOCKET(u)->result];
}

/* ---- hand-over ---- */

static int socket_save(const struct unit *u, struct state_writer *w)
{
    const struct socket *s = SOCKET(u);

    trigger_save(w, &socket_states[s->state], s->result);
    state_write_u64(w, "accepted", s->n_accepted);
    state_write_u64(w, "refused", s->n_refused);
    if (s->control.pid > 0) {
        state_write_u64(w, "control-pid", (uint64_t) s->control.pid);
        state_write_u64(w, "control-index", s->index);
    }
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
    if (streq(key, "control-pid") || streq(key, "control-index")) {
        if (state_read_u64(value, &n) < 0 || n > INT_MAX)
            return -EINVAL;
        if (streq(key, "control-pid"))
            s->control.pid = (pid_t) n;
        else
            s->index = (uint16_t) n;
        return 0;
    }
    return MIN(0, trigger_restore(key, value, socket_states, SOCKET_STATE_MAX, SOCKET_RESULT_MAX,
                                  &s->restored, &s->result));
}

static int socket_coldplug(struct unit *u)
{
    struct socket *s = SOCKET(u);
    enum socket_state state = s->restored;

    if (state == SOCKET_DEAD || !u->config)
        return 0;
    s->restored = SOCKET_DEAD;
    socket_resume(s, state);
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
NUMBER(control_pid, VALUE_UINT, s->control.pid)
NUMBER(n_connections, VALUE_UINT, s->n_connections)
NUMBER(n_accepted, VALUE_UINT, s->n_accepted)
NUMBER(n_refused, VALUE_UINT, s->n_refused)
NUMBER(trigger_interval, VALUE_SPAN, s->limit.interval)
NUMBER(trigger_burst, VALUE_UINT, s->limit.burst)
NUMBER(poll_interval, VALUE_SPAN, s->poll_limit.interval)
NUMBER(poll_burst, VALUE_UINT, s->poll_limit.burst)

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
    .child_exited = socket_child_exited,
    .processes_gone = socket_processes_gone,
    .control_pid = socket_control_pid,
    .active_state = socket_active_state,
    .sub_state = socket_sub_state,
    .triggered_changed = socket_triggered_changed,
    .reset_failed = socket_reset_failed,
    .save = socket_save,
    .restore = socket_restore,
    .result = socket_result,
    .properties = socket_properties,
};
