#include "control/server.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "control/arena.h"
#include "control/frame.h"
#include "event/event.h"

/* A request of 1 MiB of "[[]," is some 20 times as large in memory; a reply is smaller. */
#define ARENA_BYTES ((size_t) 32 << 20)
#define REQUESTS_PER_TURN 16
#define ACCEPTS_PER_TURN 16
#define LOW_WATER ((size_t) 64 << 10)
#define GROUPS_MAX 256

struct varlink_call {
    struct varlink_client *client; /* NULL once the call has ended */
    const struct varlink_method *method;
    bool more, oneway;
    void *state;
    void (*gone)(void *state);
    int (*produce)(struct varlink_call *c, void *state);
};

struct varlink_client {
    struct varlink_client *next, **link;
    struct varlink_server *server;
    struct event_source *io, *post; /* post: requests that are in the buffer already */
    struct frame_buffer in, out;
    struct frame_fds fds; /* that came with the request */
    struct varlink_peer peer;
    struct varlink_call call; /* call.method is set while one is being answered */
    int fd;
    bool change, output; /* access */
    bool cut;            /* a piece of the message that is being queued found no room */
    bool eof, dead;      /* dead: freed when the current callback is over */
};

struct listener {
    struct listener *next;
    struct event_source *io;
    int fd;
};

struct varlink_server {
    struct event_loop *loop;
    const struct varlink_interface *interface;
    void *userdata;
    bool (*may_read_output)(gid_t gid, void *userdata);
    void *groups_userdata;
    struct listener *listeners;
    struct varlink_client *clients;
    struct event_source *reaper;
    size_t n_clients;
    uid_t overflow_uid;
};

static void client_serve(struct varlink_client *c);

/* ---- the life of a client ---- */

static void call_end(struct varlink_call *call)
{
    void *state = call->state;
    void (*gone)(void *) = call->gone;

    *call = (struct varlink_call){ .client = call->client };
    frame_close_fds(&call->client->fds);
    if (gone)
        gone(state);
}

/* The client may be in use up the stack: it is closed now and freed by the reaper. */
static void client_drop(struct varlink_client *c)
{
    if (c->dead)
        return;
    c->dead = true;
    c->io = event_source_free(c->io);
    c->post = event_source_free(c->post);
    c->fd = close_fd(c->fd);
    frame_done(&c->in);
    frame_done(&c->out);
    call_end(&c->call);
    event_source_enable(c->server->reaper);
}

static void client_free(struct varlink_client *c)
{
    client_drop(c);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    c->server->n_clients--;
    free(c);
}

static void reap_clients(struct event_source *source, void *userdata)
{
    struct varlink_server *s = userdata;

    for (struct varlink_client *c = s->clients, *next; c; c = next) {
        next = c->next;
        if (c->dead)
            client_free(c);
    }
}

/* Waits for what the client's state lets it do next. */
static void client_arm(struct varlink_client *c)
{
    bool busy = c->call.method;
    uint32_t events = 0;

    if (c->dead)
        return;
    if (!busy && !c->eof)
        events |= EPOLLIN;
    if (frame_pending(&c->out) > 0 || c->call.produce)
        events |= EPOLLOUT;
    event_source_set_io(c->io, events);
    if (!busy && frame_has_message(&c->in))
        event_source_enable(c->post);
    else if (!busy && c->eof && frame_pending(&c->out) == 0)
        client_drop(c);
}

/* ---- replies ---- */

static int queue_json(const char *data, size_t size, void *userdata)
{
    struct varlink_client *c = userdata;
    int r = frame_queue(&c->out, data, size, 0);

    /* jansson goes on after some pieces that are refused. */
    c->cut = c->cut || r < 0;
    return r;
}

/* Sends one message; drops the client where that fails. */
static int client_send(struct varlink_client *c, json_t *message)
{
    size_t before = frame_pending(&c->out);
    int r = -ENOMEM;

    if (c->dead) {
        json_decref(message);
        return -ECONNRESET;
    }
    c->cut = false;
    if (message && json_dump_callback(message, queue_json, c, JSON_COMPACT) == 0 && !c->cut)
        r = frame_queue(&c->out, "", 1, 0);
    json_decref(message);
    if (r >= 0 && before == 0)
        r = frame_send(&c->out, c->fd);
    if (r < 0 && r != -EAGAIN) {
        client_drop(c);
        return r;
    }
    return 0;
}

static int call_send(struct varlink_call *call, const char *error, json_t *parameters,
                     bool continues)
{
    struct varlink_client *c = call->client;
    json_t *message = NULL;

    if (c->dead || call->oneway) {
        json_decref(parameters);
        return c->dead ? -ECONNRESET : 0;
    }
    if (!parameters)
        parameters = json_object();
    if (parameters)
        message = json_pack("{s:o}", "parameters", parameters);
    if (message && error && json_object_set_new(message, "error", json_string(error)) < 0)
        message = NULL;
    if (message && continues && json_object_set_new(message, "continues", json_true()) < 0)
        message = NULL;
    return client_send(c, message);
}

static int call_finish(struct varlink_call *call, const char *error, json_t *parameters)
{
    struct varlink_client *c = call->client;
    int r = call_send(call, error, parameters, false);

    call_end(call);
    client_arm(c);
    return r;
}

int varlink_reply(struct varlink_call *c, json_t *parameters)
{
    return call_finish(c, NULL, parameters);
}

int varlink_error(struct varlink_call *c, const char *name, json_t *parameters)
{
    const char *interface = c->client->server->interface->name;
    char full[256];

    if (strchr(name, '.'))
        return call_finish(c, name, parameters);
    snprintf(full, sizeof full, "%s.%s", interface, name);
    return call_finish(c, full, parameters);
}

int varlink_notify(struct varlink_call *c, json_t *parameters)
{
    int r = call_send(c, NULL, parameters, true);

    client_arm(c->client);
    return r;
}

bool varlink_call_wants_more(const struct varlink_call *c)
{
    return c->more;
}

const struct varlink_peer *varlink_call_peer(const struct varlink_call *c)
{
    return &c->client->peer;
}

void *varlink_call_userdata(const struct varlink_call *c)
{
    return c->client->server->userdata;
}

int *varlink_call_take_fds(struct varlink_call *c)
{
    struct frame_fds *fds = &c->client->fds;
    int *taken = fds->n == FRAME_FDS_MAX ? memdup0(fds->fd, sizeof fds->fd) : NULL;

    if (taken)
        fds->n = 0;
    return taken;
}

struct varlink_server *varlink_call_server(const struct varlink_call *c)
{
    return c->client->server;
}

static bool client_may(const struct varlink_client *c, enum varlink_access access)
{
    switch (access) {
    case NEEDS_READ:
        return true;
    case NEEDS_OUTPUT:
        return c->output;
    case NEEDS_CHANGE:
        return c->change;
    }
    return false;
}

bool varlink_call_may(const struct varlink_call *c, enum varlink_access access)
{
    return client_may(c->client, access);
}

void varlink_call_keep(struct varlink_call *c, void *state, void (*gone)(void *state))
{
    c->state = state;
    c->gone = gone;
}

void varlink_call_produce(struct varlink_call *c,
                          int (*produce)(struct varlink_call *c, void *state))
{
    c->produce = produce;
    client_arm(c->client);
}

/* ---- requests ---- */

static int service_error(struct varlink_call *call, const char *error, const char *name,
                         const char *value)
{
    char full[128];

    snprintf(full, sizeof full, "org.varlink.service.%s", error);
    return varlink_error(call, full, name ? json_pack("{s:s}", name, value) : NULL);
}

static int call_get_info(struct varlink_call *call, const struct varlink_interface *i)
{
    return varlink_reply(call, json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", i->vendor,
                                         "product", i->product, "version", i->version, "url",
                                         i->url, "interfaces", "org.varlink.service", i->name));
}

static const char service_description[] =
    "# The interface that every Varlink service has.\n"
    "interface org.varlink.service\n\n"
    "method GetInfo() -> (\n  vendor: string,\n  product: string,\n  version: string,\n"
    "  url: string,\n  interfaces: []string\n)\n\n"
    "method GetInterfaceDescription(interface: string) -> (description: string)\n\n"
    "error InterfaceNotFound(interface: string)\nerror MethodNotFound(method: string)\n"
    "error MethodNotImplemented(method: string)\nerror InvalidParameter(parameter: string)\n"
    "error PermissionDenied()\nerror ExpectedMore()\n";

static int call_describe(struct varlink_call *call, const struct varlink_interface *i,
                         const json_t *parameters)
{
    const char *name = json_string_value(json_object_get(parameters, "interface"));
    auto_free char *text = NULL;

    if (!name)
        return service_error(call, "InvalidParameter", "parameter", "interface");
    if (streq(name, i->name))
        text = varlink_describe(i);
    else if (streq(name, "org.varlink.service"))
        text = strdup(service_description);
    else
        return service_error(call, "InterfaceNotFound", "interface", name);
    return text ? varlink_reply(call, json_pack("{s:s}", "description", text)) : -ENOMEM;
}

static int call_dispatch(struct varlink_call *call, const struct varlink_method *m,
                         const json_t *parameters)
{
    struct varlink_client *c = call->client;
    char member[IDL_MEMBER_MAX];
    int r;

    if (!client_may(c, m->access))
        return service_error(call, "PermissionDenied", NULL, NULL);
    if (m->more && !call->more)
        return service_error(call, "ExpectedMore", NULL, NULL);
    r = idl_check(m->in, c->server->interface->types, parameters, member);
    if (r == -EINVAL)
        return service_error(call, "InvalidParameter", "parameter", member);
    if (r < 0)
        return r;
    return m->call(call, parameters, c->server->userdata);
}

/* Returns a negative errno where the client is to be dropped. */
static int client_request(struct varlink_client *c, json_t *request)
{
    const struct varlink_interface *i = c->server->interface;
    const char *method = json_string_value(json_object_get(request, "method"));
    const json_t *parameters = json_object_get(request, "parameters");
    struct varlink_call *call = &c->call;
    static const struct varlink_method unknown = { .name = "" };
    int r;

    if (!method || (parameters && !json_is_object(parameters) && !json_is_null(parameters)))
        return -EBADMSG;
    if (json_is_null(parameters) || !parameters)
        parameters = json_object();
    *call = (struct varlink_call){
        .client = c,
        .method = &unknown,
        .more = json_is_true(json_object_get(request, "more")),
        .oneway = json_is_true(json_object_get(request, "oneway")),
    };

    const char *dot = strrchr(method, '.');
    size_t interface_length = dot ? (size_t) (dot - method) : 0;
    bool ours = dot && strlen(i->name) == interface_length &&
                strncmp(method, i->name, interface_length) == 0;

    if (streq(method, "org.varlink.service.GetInfo"))
        return call_get_info(call, i);
    if (streq(method, "org.varlink.service.GetInterfaceDescription"))
        return call_describe(call, i, parameters);
    if (!ours && !startswith(method, "org.varlink.service.")) {
        char name[256];

        snprintf(name, sizeof name, "%.*s", (int) MIN(interface_length, sizeof name - 1), method);
        return service_error(call, "InterfaceNotFound", "interface", name);
    }
    for (const struct varlink_method *m = i->methods; ours && m->name; m++) {
        if (!streq(m->name, dot + 1))
            continue;
        call->method = m;
        r = call_dispatch(call, m, parameters);
        if (r < 0 && r != -ENOMEM && !c->dead && call->method)
            return varlink_error(call, "Failed",
                                 json_pack("{s:s, s:i}", "message", strerror(-r), "errno", -r));
        return r;
    }
    return service_error(call, "MethodNotFound", "method", method);
}

/* Handles one message. The arena is empty before and after. */
static void client_message(struct varlink_client *c, const char *message, size_t length)
{
    json_t *request = json_loadb(message, length, JSON_REJECT_DUPLICATES, NULL);
    int r = json_is_object(request) ? client_request(c, request) : -EBADMSG;

    if (r < 0)
        client_drop(c);
    json_arena_release(0);
}

static void client_serve(struct varlink_client *c)
{
    for (int n = 0; n < REQUESTS_PER_TURN && !c->dead && !c->call.method; n++) {
        size_t length;
        const char *message = frame_next(&c->in, &length);

        if (!message)
            break;
        client_message(c, message, length);
    }
    client_arm(c);
}

static void client_serve_later(struct event_source *source, void *userdata)
{
    client_serve(userdata);
}

static void client_produce(struct varlink_client *c)
{
    while (!c->dead && c->call.produce && frame_pending(&c->out) < LOW_WATER) {
        int r = c->call.produce(&c->call, c->call.state);

        json_arena_release(0);
        if (r < 0)
            client_drop(c);
        if (r <= 0)
            break;
    }
}

static void client_io(struct event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct varlink_client *c = userdata;
    int r;

    if (revents & (EPOLLOUT | EPOLLHUP | EPOLLERR)) {
        r = frame_send(&c->out, fd);
        if (r >= 0 || r == -EAGAIN) {
            client_produce(c);
        } else {
            client_drop(c);
            return;
        }
    }
    /* The peer is gone: nobody will read the answer of the call that is going on. What it has sent
     * is still done. */
    if (!c->dead && (revents & (EPOLLHUP | EPOLLERR)) && c->call.method)
        call_end(&c->call);
    if (!c->dead && (revents & (EPOLLIN | EPOLLHUP | EPOLLERR))) {
        r = frame_receive(&c->in, fd, c->change ? &c->fds : NULL);
        if (r == 0)
            c->eof = true;
        else if (r < 0 && r != -EAGAIN) {
            client_drop(c);
            return;
        }
        client_serve(c);
    }
    client_arm(c);
}

/* ---- who is it ---- */

static void client_identify(struct varlink_client *c)
{
    struct varlink_server *s = c->server;
    gid_t groups[GROUPS_MAX];
    socklen_t n = sizeof groups;

    if (c->peer.uid == s->overflow_uid)
        return;
    c->change = c->peer.uid == 0 || c->peer.uid == geteuid();
    c->output = c->change;
    if (c->output || !s->may_read_output)
        return;
    c->output = s->may_read_output(c->peer.gid, s->groups_userdata);
    if (getsockopt(c->fd, SOL_SOCKET, SO_PEERGROUPS, groups, &n) < 0)
        return;
    for (size_t i = 0; !c->output && i < n / sizeof *groups; i++)
        c->output = s->may_read_output(groups[i], s->groups_userdata);
}

static bool server_has_room(const struct varlink_server *s, uid_t uid)
{
    size_t same = 0;

    for (const struct varlink_client *c = s->clients; c; c = c->next)
        same += !c->dead && c->peer.uid == uid;
    /* Many uids together cannot shut out those who steer the manager. */
    return same < SERVER_CLIENTS_PER_UID &&
           (s->n_clients < SERVER_CLIENTS_MAX || uid == 0 || uid == geteuid());
}

int varlink_server_add_client(struct varlink_server *s, int fd)
{
    auto_close int owned = fd;
    auto_free struct varlink_client *c = NULL;
    struct ucred cred;
    socklen_t n = sizeof cred;
    int r;

    if (getsockopt(owned, SOL_SOCKET, SO_PEERCRED, &cred, &n) < 0)
        return -errno;
    if (!server_has_room(s, cred.uid))
        return -EUSERS;
    r = fd_nonblock(owned, true);
    if (r < 0)
        return r;
    c = new0(struct varlink_client, 1);
    if (!c)
        return -ENOMEM;
    c->server = s;
    c->peer = (struct varlink_peer){ cred.pid, cred.uid, cred.gid };
    c->call.client = c;
    c->fd = owned;
    r = event_add_post(s->loop, client_serve_later, c, &c->post);
    if (r >= 0)
        r = event_add_io(s->loop, owned, EPOLLIN, client_io, c, &c->io);
    if (r < 0) {
        event_source_free(c->post);
        return r;
    }
    event_source_disable(c->post);
    client_identify(c);
    c->next = s->clients;
    c->link = &s->clients;
    if (c->next)
        c->next->link = &c->next;
    s->clients = c;
    s->n_clients++;
    take_fd(&owned);
    (void) take_ptr(c);
    return 0;
}

static void server_accept(struct event_source *source, int fd, uint32_t revents, void *userdata)
{
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (client < 0 && (errno == EINTR || errno == ECONNABORTED))
            continue;
        if (client < 0)
            return;
        varlink_server_add_client(userdata, client);
    }
}

/* ---- the server ---- */

static uid_t read_overflow_uid(void)
{
    auto_free char *line = NULL;

    if (file_read_line("/proc/sys/kernel/overflowuid", &line) < 0)
        return 65534;
    return (uid_t) strtoul(line, NULL, 10);
}

int varlink_server_new(struct event_loop *loop, const struct varlink_interface *interface,
                       void *userdata, struct varlink_server **ret)
{
    auto_free struct varlink_server *s = new0(struct varlink_server, 1);
    int r;

    if (!s)
        return -ENOMEM;
    r = json_arena_install(ARENA_BYTES);
    if (r < 0)
        return r;
    s->loop = loop;
    s->interface = interface;
    s->userdata = userdata;
    s->overflow_uid = read_overflow_uid();
    r = event_add_post(loop, reap_clients, s, &s->reaper);
    if (r < 0)
        return r;
    event_source_disable(s->reaper);
    *ret = take_ptr(s);
    return 0;
}

void varlink_server_set_output_groups(struct varlink_server *s,
                                      bool (*may_read_output)(gid_t gid, void *userdata),
                                      void *userdata)
{
    s->may_read_output = may_read_output;
    s->groups_userdata = userdata;
}

void varlink_server_free(struct varlink_server *s)
{
    if (!s)
        return;
    while (s->clients)
        client_free(s->clients);
    while (s->listeners) {
        struct listener *l = s->listeners;

        s->listeners = l->next;
        event_source_free(l->io);
        close_fd(l->fd);
        free(l);
    }
    event_source_free(s->reaper);
    free(s);
}

int varlink_server_add_listener(struct varlink_server *s, int fd)
{
    auto_close int owned = fd;
    auto_free struct listener *l = new0(struct listener, 1);
    int r;

    if (!l)
        return -ENOMEM;
    r = event_add_io(s->loop, owned, EPOLLIN, server_accept, s, &l->io);
    if (r < 0)
        return r;
    /* With no descriptor left accept4() fails at once, again and again. */
    event_source_set_rate_limit(l->io, 100 * USEC_PER_MSEC, 200);
    l->fd = take_fd(&owned);
    l->next = s->listeners;
    s->listeners = take_ptr(l);
    return 0;
}

int varlink_server_listen(struct varlink_server *s, const char *path, mode_t mode)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    auto_close int fd = -1;

    if (strlen(path) >= sizeof addr.sun_path)
        return -ENAMETOOLONG;
    strcpy(addr.sun_path, path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (unlink(path) < 0 && errno != ENOENT)
        return -errno;
    if (bind(fd, (struct sockaddr *) &addr, sizeof addr) < 0)
        return -errno;
    if (chmod(path, mode) < 0 || listen(fd, SOMAXCONN) < 0)
        return -errno;
    return varlink_server_add_listener(s, take_fd(&fd));
}

size_t varlink_server_clients(const struct varlink_server *s)
{
    size_t n = 0;

    for (const struct varlink_client *c = s->clients; c; c = c->next)
        n += !c->dead;
    return n;
}

void varlink_server_flush(struct varlink_server *s, unsigned long long timeout)
{
    usec_t end = usec_add(now_usec(CLOCK_MONOTONIC), timeout);

    for (struct varlink_client *c = s->clients; c; c = c->next)
        while (!c->dead && frame_pending(&c->out) > 0 && frame_send(&c->out, c->fd) == -EAGAIN) {
            struct pollfd p = { c->fd, POLLOUT, 0 };
            usec_t now = now_usec(CLOCK_MONOTONIC);

            if (now >= end || poll(&p, 1, (int) ((end - now) / USEC_PER_MSEC) + 1) <= 0)
                return;
        }
}

/* ---- the description ---- */

static void describe_doc(struct strbuf *b, const char *doc)
{
    while (!isempty(doc)) {
        size_t n = strcspn(doc, "\n");

        strbuf_add(b, "# ");
        strbuf_add_n(b, doc, n);
        strbuf_add_char(b, '\n');
        doc += n + (doc[n] == '\n');
    }
}

char *varlink_describe(const struct varlink_interface *i)
{
    auto_strbuf struct strbuf b = { 0 };

    describe_doc(&b, i->doc);
    strbuf_addf(&b, "interface %s\n", i->name);
    for (const struct idl_type *t = i->types; t && t->name; t++) {
        strbuf_add_char(&b, '\n');
        describe_doc(&b, t->doc);
        strbuf_addf(&b, "type %s %s\n", t->name, t->text);
    }
    for (const struct varlink_method *m = i->methods; m->name; m++) {
        strbuf_add_char(&b, '\n');
        describe_doc(&b, m->doc);
        strbuf_addf(&b, "method %s%s -> %s\n", m->name, m->in, m->out);
    }
    for (const struct varlink_error *e = i->errors; e && e->name; e++) {
        strbuf_add_char(&b, '\n');
        describe_doc(&b, e->doc);
        strbuf_addf(&b, "error %s %s\n", e->name, e->parameters);
    }
    return strbuf_take(&b);
}
