/* Hearing what a service says (sd_notify(3)).
 *
 * Each service has a socket of its own, under a name that cannot be guessed, in a folder that
 * cannot be listed: a message belongs to the service whose socket it came to, also when its sender
 * is gone by the time it is read. Who of the unit's processes may speak is judged by the
 * credentials that the kernel attaches, never by the message. */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"
#include "base/strv.h"
#include "event/event.h"
#include "manager/service.h"

#define HISTORY_MAX 12
#define HISTORY_TEXT_MAX 96
/* What is taken in at once: before a child's exit is acted on, and for each wake-up. */
#define DRAIN_MAX 512
#define BATCH_MAX 64
/* Refused messages that are logged for each invocation; the rest is counted. */
#define REFUSALS_LOGGED 10

struct notify_entry {
    usec_t at; /* CLOCK_REALTIME */
    pid_t pid;
    const char *refused; /* why; NULL: it was taken */
    char text[HISTORY_TEXT_MAX];
};

struct service_notify {
    int fd;
    char *path;
    struct event_source *source;
    struct notify_entry *history; /* a ring of HISTORY_MAX, made with the first message */
    unsigned n_messages, n_refused;
};

/* One datagram as it came. */
struct datagram {
    char text[NOTIFY_DATAGRAM_MAX + 1];
    struct ucred sender;
    int fds[NOTIFY_FDS_MAX];
    size_t n_fds;
    const char *fault; /* why it is refused whatever it says; NULL */
};

/* ---- the socket ---- */

static void readable(struct event_source *source, int fd, uint32_t revents, void *userdata);

static int bind_socket(struct service *s, char **ret_path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    auto_free char *folder = path_join(manager_socket_dir(s->unit.manager), "notify", NULL);
    struct id128 secret = id128_random();
    char name[ID128_TEXT_MAX];
    const int on = 1;

    if (!folder)
        return -ENOMEM;
    int r = mkdir_all(folder, 0755);
    if (r < 0)
        return r;
    (void) chmod(folder, 0711);

    auto_free char *path = path_join(folder, id128_format(secret, name), NULL);
    if (!path)
        return -ENOMEM;
    if (strlen(path) >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    strcpy(address.sun_path, path);

    auto_close int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *) &address, sizeof address) < 0)
        return -errno;
    if (chmod(path, 0777) < 0)
        return -errno;
    *ret_path = take_ptr(path);
    return take_fd(&fd);
}

/* Takes the descriptor, also on failure. */
static int listen_on(struct service *s, struct service_notify *n, int fd)
{
    int r = event_add_io(manager_loop(s->unit.manager), fd, EPOLLIN, readable, s, &n->source);

    if (r < 0) {
        close_fd(fd);
        return r;
    }
    n->fd = fd;
    return 0;
}

static int ensure_notify(struct service *s)
{
    if (s->notify)
        return 0;
    s->notify = new0(struct service_notify, 1);
    if (!s->notify)
        return -ENOMEM;
    s->notify->fd = -1;
    return 0;
}

int service_notify_open(struct service *s, const char **ret_path)
{
    auto_free char *path = NULL;
    int r = ensure_notify(s);

    if (r < 0)
        return r;
    if (s->notify->fd < 0) {
        int fd = bind_socket(s, &path);
        if (fd < 0)
            return fd;
        r = listen_on(s, s->notify, fd);
        if (r < 0) {
            (void) unlink(path);
            return r;
        }
        free(s->notify->path);
        s->notify->path = take_ptr(path);
    }
    *ret_path = s->notify->path;
    return 0;
}

void service_notify_close(struct service *s)
{
    struct service_notify *n = s->notify;

    if (!n || n->fd < 0)
        return;
    n->source = event_source_free(n->source);
    n->fd = close_fd(n->fd);
    (void) unlink(n->path);
}

void service_notify_free(struct service *s)
{
    if (!s->notify)
        return;
    service_notify_close(s);
    free(s->notify->path);
    free(s->notify->history);
    free(s->notify);
    s->notify = NULL;
}

void service_notify_reset(struct service *s)
{
    s->notify_state = NOTIFY_STATE_UNKNOWN;
    s->access_override = -1;
    s->status_errno = 0;
    (void) str_replace(&s->status_text, NULL);
    (void) str_replace(&s->bus_error, NULL);
    (void) str_replace(&s->varlink_error, NULL);
    if (s->notify)
        s->notify->n_messages = s->notify->n_refused = 0;
}

int service_notify_socket(const struct service *s, const char **ret_path)
{
    if (!s->notify || s->notify->fd < 0)
        return -1;
    *ret_path = s->notify->path;
    return s->notify->fd;
}

int service_notify_adopt(struct service *s, int fd, const char *path)
{
    auto_close int owned = fd;
    int r = ensure_notify(s);

    if (r < 0)
        return r;
    auto_free char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    r = listen_on(s, s->notify, take_fd(&owned));
    if (r < 0)
        return r;
    free(s->notify->path);
    s->notify->path = take_ptr(copy);
    return 0;
}

/* ---- history ---- */

static void remember(struct service *s, const struct datagram *d, const char *refused)
{
    struct service_notify *n = s->notify;

    if (!n->history)
        n->history = new0(struct notify_entry, HISTORY_MAX);
    if (!n->history)
        return;
    struct notify_entry *e = &n->history[n->n_messages++ % HISTORY_MAX];
    e->at = now_usec(CLOCK_REALTIME);
    e->pid = d->sender.pid;
    e->refused = refused;
    snprintf(e->text, sizeof e->text, "%.*s", HISTORY_TEXT_MAX - 1, d->text);
    for (char *p = e->text; *p; p++)
        if ((unsigned char) *p < ' ')
            *p = ' ';
}

char **service_notify_history(const struct service *s)
{
    const struct service_notify *n = s->notify;
    auto_strv char **lines = NULL;

    if (!n || !n->history)
        return NULL;
    for (unsigned i = n->n_messages > HISTORY_MAX ? n->n_messages - HISTORY_MAX : 0;
         i < n->n_messages; i++) {
        const struct notify_entry *e = &n->history[i % HISTORY_MAX];

        if (strv_addf(&lines, "@%ju.%06ju pid %d: %s%s%s%s", (uintmax_t) (e->at / USEC_PER_SEC),
                      (uintmax_t) (e->at % USEC_PER_SEC), (int) e->pid, e->text,
                      e->refused ? " (refused: " : "", strempty(e->refused),
                      e->refused ? ")" : "") < 0)
            return NULL;
    }
    return take_ptr(lines);
}

/* ---- receiving ---- */

static void close_fds(struct datagram *d)
{
    for (size_t i = 0; i < d->n_fds; i++)
        close_fd(d->fds[i]);
    d->n_fds = 0;
}

static void read_control(struct msghdr *header, struct datagram *d)
{
    bool credentials = false;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level != SOL_SOCKET)
            continue;
        if (c->cmsg_type == SCM_RIGHTS) {
            d->n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(d->fds, CMSG_DATA(c), d->n_fds * sizeof(int));
        } else if (c->cmsg_type == SCM_CREDENTIALS && c->cmsg_len == CMSG_LEN(sizeof d->sender)) {
            memcpy(&d->sender, CMSG_DATA(c), sizeof d->sender);
            credentials = d->sender.pid > 0;
        }
    }
    if (!credentials)
        d->fault = "without valid credentials";
}

/* 1, 0 where nothing waits, negative errno. */
static int receive(int fd, struct datagram *d)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof d->fds)];
    } control;
    struct iovec iov = { d->text, NOTIFY_DATAGRAM_MAX };
    struct msghdr header = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };

    d->n_fds = 0;
    d->fault = NULL;
    d->sender = (struct ucred){ 0 };
    ssize_t n = recvmsg(fd, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_TRUNC);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    /* What comes after a NUL byte is no part of the message. */
    d->text[MIN((size_t) n, (size_t) NOTIFY_DATAGRAM_MAX)] = 0;
    read_control(&header, d);
    if (header.msg_flags & MSG_TRUNC)
        d->fault = "longer than 4096 bytes";
    else if (header.msg_flags & MSG_CTRUNC)
        d->fault = "with too many descriptors";
    return 1;
}

/* ---- who may speak ---- */

static bool is_the_units(const struct service *s, pid_t pid)
{
    if (pid == s->main.pid || pid == s->control.pid)
        return true;
    int r = s->unit.tracker ? tracker_contains(s->unit.tracker, pid) : 0;
    /* Not to be told (out of memory), or gone already: it knew the socket's name, which only the
     * unit's processes were told. A message that is lost may be the one that a start waits for. */
    return r != 0 || !process_is_alive(pid);
}

/* NULL if the sender may; else why not. The texts are systemd's, with the pids put in. */
static const char *refusal(const struct service *s, const struct datagram *d, char *text,
                           size_t size)
{
    pid_t pid = d->sender.pid, main = s->main.pid, control = s->control.pid;
    enum notify_access access = service_notify_access(s);

    if (d->fault)
        return d->fault;
    if (s->prober > 0 && pid == s->prober)
        return NULL;
    if (access == NOTIFY_ACCESS_NONE)
        return "but reception is disabled";
    if (pid == main || (pid == control && access != NOTIFY_ACCESS_MAIN))
        return NULL;
    if (access == NOTIFY_ACCESS_ALL)
        return is_the_units(s, pid) ? NULL : "but it is none of the unit's processes";
    if (access == NOTIFY_ACCESS_MAIN && main > 0)
        snprintf(text, size, "but reception only permitted for main PID %d", (int) main);
    else if (access == NOTIFY_ACCESS_MAIN)
        snprintf(text, size,
                 "but reception only permitted for main PID which is currently not known");
    else if (main > 0 && control > 0)
        snprintf(text, size, "but reception only permitted for main PID %d and control PID %d",
                 (int) main, (int) control);
    else if (main > 0)
        snprintf(text, size, "but reception only permitted for main PID %d", (int) main);
    else if (control > 0)
        snprintf(text, size, "but reception only permitted for control PID %d", (int) control);
    else
        snprintf(text, size,
                 "but reception only permitted for main PID and control PID which are currently "
                 "not known");
    return text;
}

static void refuse(struct service *s, const struct datagram *d, const char *why)
{
    static const char *const kept[] = { "longer than 4096 bytes", "with too many descriptors",
                                        "without valid credentials" };
    const char *reason = "not allowed by NotifyAccess=";

    for (size_t i = 0; i < ELEMENTSOF(kept); i++)
        if (d->fault && streq(d->fault, kept[i]))
            reason = kept[i];
    remember(s, d, reason);
    if (s->notify->n_refused++ < REFUSALS_LOGGED)
        unit_log_text(UNIT(s), LOG_WARNING, "Got notification message from PID %d%s %s%s",
                      (int) d->sender.pid, d->fault ? "" : ",", why,
                      s->notify->n_refused == REFUSALS_LOGGED
                          ? "; further refusals of this start are only counted"
                          : "");
}

/* ---- acting on a message ---- */

static bool may_change_main_pid(const struct service *s)
{
    return s->state == SERVICE_START || s->state == SERVICE_START_POST ||
           s->state == SERVICE_RUNNING || service_states[s->state].active == ACTIVE_RELOADING;
}

/* MAINPIDFDID=: the inode number of the process's pidfd. */
static bool pidfd_id_matches(pid_t pid, uint64_t id)
{
    struct stat st;

    auto_close int fd = pidfd_from_pid(pid);
    return fd >= 0 && fstat(fd, &st) >= 0 && st.st_ino == id;
}

static void change_main_pid(struct service *s, const struct notify_message *m,
                            const struct datagram *d)
{
    pid_t pid = m->main_pid;

    if (!may_change_main_pid(s) || (pid == s->main.pid && s->main_known))
        return;
    if ((m->fields & NOTIFY_BIT(MAINPIDFDID)) && !pidfd_id_matches(pid, m->main_pidfd_id)) {
        unit_log_text(UNIT(s), LOG_WARNING,
                      "New main PID %d is not the process that MAINPIDFDID= names, refusing.",
                      (int) pid);
        return;
    }
    int r = service_judge_main_pid(s, pid, LOG_WARNING);
    if (r < 0)
        return;
    if (r == 0 && d->sender.uid != 0) {
        unit_log_text(UNIT(s), LOG_WARNING, "New main PID %d does not belong to service, refusing.",
                      (int) pid);
        return;
    }
    if (r == 0)
        unit_log_text(UNIT(s), LOG_DEBUG,
                      "New main PID %d does not belong to service, but we'll accept it as the "
                      "request to change it came from a privileged process.",
                      (int) pid);
    r = service_set_main_pid(s, pid);
    if (r < 0)
        unit_log_text(UNIT(s), LOG_ERR, "Cannot follow the new main PID %d: %s", (int) pid,
                      strerror(-r));
}

static void change_state(struct service *s, const struct notify_message *m)
{
    if (m->state == NOTIFY_STATE_UNKNOWN)
        return;
    s->notify_state = (uint8_t) m->state;
    s->reload_answered = (m->fields & NOTIFY_BIT(RELOADING)) && m->monotonic != USEC_INFINITY &&
                         m->monotonic >= s->reload_begin;
    (void) service_handle(s,
                          m->state == NOTIFY_STATE_READY       ? EV_READY
                          : m->state == NOTIFY_STATE_RELOADING ? EV_RELOADING
                                                               : EV_STOPPING,
                          RESULT_SUCCESS);
}

static void change_texts(struct service *s, const struct notify_message *m)
{
    const struct {
        unsigned field;
        char **to;
        const char *value;
    } texts[] = {
        { NOTIFY_BIT(STATUS), &s->status_text, m->status },
        { NOTIFY_BIT(BUSERROR), &s->bus_error, m->bus_error },
        { NOTIFY_BIT(VARLINKERROR), &s->varlink_error, m->varlink_error },
    };

    for (size_t i = 0; i < ELEMENTSOF(texts); i++)
        if (m->fields & texts[i].field)
            (void) str_replace(texts[i].to, isempty(texts[i].value) ? NULL : texts[i].value);
    if (m->fields & NOTIFY_BIT(ERRNO))
        s->status_errno = m->error;
    if (m->fields & NOTIFY_BIT(NOTIFYACCESS))
        s->access_override = (int8_t) m->access;
}

static void change_watchdog(struct service *s, const struct notify_message *m)
{
    if (m->fields & NOTIFY_BIT(EXTEND_TIMEOUT_USEC))
        service_extend_deadline(s, usec_add(now_usec(CLOCK_MONOTONIC), m->extend_timeout));
    if ((m->fields & NOTIFY_BIT(WATCHDOG)) && m->watchdog_trigger) {
        unit_log_text(UNIT(s), LOG_ERR, "Watchdog request (last status: %s)!",
                      s->status_text ? s->status_text : "<unset>");
        (void) service_handle(s, EV_WATCHDOG, RESULT_SUCCESS);
    } else if (m->fields & NOTIFY_BIT(WATCHDOG))
        service_ping_watchdog(s);
    if (m->fields & NOTIFY_BIT(WATCHDOG_USEC)) {
        s->watchdog_override = m->watchdog_usec == USEC_INFINITY ? USEC_UNSET : m->watchdog_usec;
        service_ping_watchdog(s);
    }
}

static void store_fds(struct service *s, const struct notify_message *m, struct datagram *d)
{
    for (size_t i = 0; i < d->n_fds; i++) {
        int fd = take_fd(&d->fds[i]);
        int r = service_store_fd(s, fd, m->fd_name, m->fd_poll);

        if (r == -EXFULL) {
            unit_log_text(UNIT(s), LOG_WARNING,
                          "Tried to store more fds than FileDescriptorStoreMax=%u allows, closing "
                          "remaining.",
                          service_config(s)->file_descriptor_store_max);
            return;
        }
        if (r < 0)
            unit_log_text(UNIT(s), LOG_ERR, "Failed to add fd to store: %s", strerror(-r));
    }
}

static void say_bad_values(struct service *s, const struct notify_message *m, const char *text)
{
    for (enum notify_field f = 0; f < NOTIFY_FIELD_MAX; f++) {
        char value[64];

        if (m->bad & (1u << f))
            unit_log_text(UNIT(s), LOG_WARNING,
                          "Failed to parse %s= field value '%s' in notification message, ignoring.",
                          notify_field_name(f), notify_field_value(text, f, value, sizeof value));
    }
}

static void act(struct service *s, struct datagram *d)
{
    char original[NOTIFY_DATAGRAM_MAX + 1];
    struct notify_message m;

    strcpy(original, d->text);
    remember(s, d, NULL);
    notify_parse(d->text, &m);
    if (m.bad)
        say_bad_values(s, &m, original);

    if (m.fields & NOTIFY_BIT(MAINPID))
        change_main_pid(s, &m, d);
    change_texts(s, &m);
    change_state(s, &m);
    change_watchdog(s, &m);
    if ((m.fields & NOTIFY_BIT(FDSTOREREMOVE)) && m.fd_name)
        service_remove_fds(s, m.fd_name);
    if (m.fields & NOTIFY_BIT(FDSTORE))
        store_fds(s, &m, d);
    service_health_heard(s, original);
    unit_changed(UNIT(s));
}

/* BARRIER=1 asks to be told, by the closing of its descriptor, that all before it was taken in. It
 * has to be alone, from whomever: closing harms nobody. */
static bool is_barrier(const struct datagram *d)
{
    return !d->fault && d->n_fds == 1 &&
           (streq(d->text, "BARRIER=1") || streq(d->text, "BARRIER=1\n"));
}

static void take_in(struct service *s, unsigned max)
{
    struct datagram d;
    char text[128];

    for (unsigned i = 0; i < max && s->notify && s->notify->fd >= 0; i++) {
        int r = receive(s->notify->fd, &d);

        if (r == 0)
            break;
        if (r < 0) {
            unit_log_text(UNIT(s), LOG_WARNING, "Failed to receive notification message: %s",
                          strerror(-r));
            break;
        }
        if (!is_barrier(&d)) {
            const char *why = refusal(s, &d, text, sizeof text);

            if (why)
                refuse(s, &d, why);
            else
                act(s, &d);
        }
        close_fds(&d);
    }
}

static void readable(struct event_source *source, int fd, uint32_t revents, void *userdata)
{
    take_in(userdata, BATCH_MAX);
}

void service_drain_notify(struct unit *u)
{
    take_in(SERVICE(u), DRAIN_MAX);
}
