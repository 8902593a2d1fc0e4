#include "control/client.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "control/frame.h"

#define INTERFACE "io.reeve.Manager"

struct control_client {
    struct frame_buffer in;
    int fd;
};

/* ---- where ---- */

static int add_system_paths(char ***paths)
{
    static const char *const folders[] = { "/run/reeve", "/dev/shm/reeve", "/tmp/reeve" };

    for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
        int r = strv_addf(paths, "%s/" INTERFACE, folders[i]);

        if (r < 0)
            return r;
    }
    return 0;
}

static int add_user_paths(char ***paths, const char *runtime, uid_t uid)
{
    int r = 0;

    if (path_is_absolute(runtime))
        r = strv_addf(paths, "%s/reeve/" INTERFACE, runtime);
    if (r >= 0)
        r = strv_addf(paths, "/run/user/%u/reeve/" INTERFACE, uid);
    /* Where the manager goes without the former (manager/places.c). */
    if (r >= 0)
        r = strv_addf(paths, "/tmp/reeve-%u/reeve/" INTERFACE, uid);
    return r;
}

char **control_paths(enum control_scope scope)
{
    auto_strv char **paths = NULL;
    const char *given = getenv("REEVE_CONTROL");
    int r;

    if (!isempty(given))
        return strv_new(given, NULL);
    r = scope == CONTROL_SYSTEM ? add_system_paths(&paths)
                                : add_user_paths(&paths, getenv("XDG_RUNTIME_DIR"), geteuid());
    if (r >= 0)
        strv_unique(paths);
    return r < 0 ? NULL : take_ptr(paths);
}

char **control_paths_of(uid_t uid)
{
    auto_strv char **paths = NULL;

    return add_user_paths(&paths, NULL, uid) < 0 ? NULL : take_ptr(paths);
}

/* `owner`: whose socket is trusted besides root's. */
static int connect_path(const char *path, uid_t owner, struct control_client **ret)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    auto_close int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct ucred cred;
    socklen_t n = sizeof cred;

    if (fd < 0)
        return -errno;
    if (strlen(path) >= sizeof addr.sun_path)
        return -ENAMETOOLONG;
    strcpy(addr.sun_path, path);
    if (connect(fd, (struct sockaddr *) &addr, sizeof addr) < 0)
        return -errno;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) < 0)
        return -errno;
    if (cred.uid != 0 && cred.uid != owner)
        return -EPERM;

    struct control_client *c = new0(struct control_client, 1);
    if (!c)
        return -ENOMEM;
    c->fd = take_fd(&fd);
    *ret = c;
    return 0;
}

int control_connect_path(const char *path, struct control_client **ret)
{
    return connect_path(path, geteuid(), ret);
}

static int connect_first(char *const *paths, uid_t owner, struct control_client **ret,
                         char **ret_path)
{
    int error = -ENOENT;

    if (!paths)
        return -ENOMEM;
    STRV_FOREACH (path, paths) {
        int r = connect_path(*path, owner, ret);

        if (r >= 0) {
            if (ret_path)
                *ret_path = strdup(*path);
            return 0;
        }
        /* A manager that refuses is more telling than a path where none is. */
        if (error == -ENOENT)
            error = r;
    }
    return error;
}

int control_connect(enum control_scope scope, struct control_client **ret, char **ret_path)
{
    auto_strv char **paths = control_paths(scope);

    return connect_first(paths, geteuid(), ret, ret_path);
}

int control_connect_user(uid_t uid, struct control_client **ret, char **ret_path)
{
    auto_strv char **paths = control_paths_of(uid);

    return connect_first(paths, uid, ret, ret_path);
}

void control_client_free(struct control_client *c)
{
    if (!c)
        return;
    frame_done(&c->in);
    close_fd(c->fd);
    free(c);
}

int control_client_fd(const struct control_client *c)
{
    return c->fd;
}

bool control_client_has_answer(struct control_client *c)
{
    return frame_has_message(&c->in);
}

/* ---- calls ---- */

void control_error_done(struct control_error *e)
{
    free(e->name);
    free(e->message);
    json_decref(e->parameters);
    *e = (struct control_error){ 0 };
}

bool control_error_is(const struct control_error *e, const char *name)
{
    const char *dot = e->name ? strrchr(e->name, '.') : NULL;

    return dot && streq(dot + 1, name);
}

/* The message of an error that has none of its own. */
static char *describe_error(const char *name, const json_t *parameters)
{
    const char *message = json_string_value(json_object_get(parameters, "message"));
    const char *text;
    const char *key;
    json_t *v;

    if (message)
        return strdup(message);
    if (streq(name, "org.varlink.service.PermissionDenied"))
        return strdup("Access denied");
    json_object_foreach((json_t *) parameters, key, v)
    {
        text = json_string_value(v);
        if (text)
            return format("%s: %s %s", name, key, text);
    }
    return strdup(name);
}

static int error_fill(struct control_error *e, const char *name, json_t *parameters)
{
    control_error_done(e);
    e->name = strdup(name);
    e->message = describe_error(name, parameters);
    e->parameters = json_incref(parameters);
    return e->name && e->message ? -EREMOTEIO : -ENOMEM;
}

/* Descriptors go with the first byte. */
static ssize_t send_some(int fd, const char *data, size_t size, const int *fds, size_t n_fds)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(FRAME_FDS_MAX * sizeof(int))];
    } control = { 0 };
    struct iovec iov = { (char *) data, size };
    struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

    if (n_fds > 0) {
        m.msg_control = &control;
        m.msg_controllen = CMSG_SPACE(n_fds * sizeof *fds);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(n_fds * sizeof *fds);
        memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof *fds);
    }
    return sendmsg(fd, &m, MSG_NOSIGNAL);
}

static int send_request(struct control_client *c, const char *method, json_t *parameters, bool more,
                        const int *fds, size_t n_fds)
{
    auto_free char *full = strchr(method, '.') ? strdup(method) : format(INTERFACE ".%s", method);
    auto_free char *text = NULL;
    json_t *request = NULL;
    int r;

    if (!parameters)
        parameters = json_object();
    if (full && parameters)
        request = json_pack("{s:s, s:o}", "method", full, "parameters", parameters);
    if (request && more && json_object_set_new(request, "more", json_true()) == 0)
        text = json_dumps(request, JSON_COMPACT);
    else if (request && !more)
        text = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    if (!text)
        return -ENOMEM;
    for (size_t sent = 0, size = strlen(text) + 1; sent < size;) {
        ssize_t n = send_some(c->fd, text + sent, size - sent, fds, sent == 0 ? n_fds : 0);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            r = -errno;
            return r == -EPIPE ? -ECONNRESET : r;
        }
        sent += (size_t) n;
    }
    return 0;
}

/* Waits for a whole message. */
static int receive(struct control_client *c, usec_t timeout, const char **ret, size_t *ret_length)
{
    usec_t end = usec_add(now_usec(CLOCK_MONOTONIC), timeout);

    while (!(*ret = frame_next(&c->in, ret_length))) {
        struct pollfd p = { c->fd, POLLIN, 0 };
        int milliseconds = -1, r;

        if (timeout != USEC_INFINITY) {
            usec_t left = usec_sub(end, now_usec(CLOCK_MONOTONIC));

            milliseconds = (int) MIN((left + USEC_PER_MSEC - 1) / USEC_PER_MSEC, (usec_t) 1 << 30);
        }
        r = poll(&p, 1, milliseconds);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -errno;
        if (r == 0)
            return -ETIMEDOUT;
        r = frame_receive(&c->in, c->fd, NULL);
        if (r == 0)
            return -ECONNRESET;
        if (r < 0 && r != -EAGAIN)
            return r;
    }
    return 0;
}

int control_next(struct control_client *c, usec_t timeout, json_t **ret_reply,
                 struct control_error *e)
{
    const char *message;
    size_t length;
    int r = receive(c, timeout, &message, &length);

    if (r < 0)
        return r;

    json_t *reply = json_loadb(message, length, 0, NULL);
    json_t *parameters = json_object_get(reply, "parameters");
    const char *error = json_string_value(json_object_get(reply, "error"));

    if (!json_is_object(reply))
        r = -EPROTO;
    else if (error)
        r = error_fill(e, error, parameters);
    else {
        r = json_is_true(json_object_get(reply, "continues"));
        if (ret_reply)
            *ret_reply = parameters ? json_incref(parameters) : json_object();
    }
    json_decref(reply);
    return r;
}

int control_call_more(struct control_client *c, const char *method, json_t *parameters)
{
    return send_request(c, method, parameters, true, NULL, 0);
}

int control_call_more_fds(struct control_client *c, const char *method, json_t *parameters,
                          const int fds[static 3])
{
    return send_request(c, method, parameters, true, fds, 3);
}

int control_call(struct control_client *c, const char *method, json_t *parameters,
                 json_t **ret_reply, struct control_error *e)
{
    int r = send_request(c, method, parameters, false, NULL, 0);

    if (r < 0)
        return r;
    r = control_next(c, USEC_INFINITY, ret_reply, e);
    return r == 1 ? -EPROTO : r;
}
