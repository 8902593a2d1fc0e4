/* State hand-over of services: what daemon-reexec and the crash handler carry over (state.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/parse.h"
#include "base/str.h"
#include "manager/service.h"
#include "manager/socket.h"
#include "manager/state.h"

/* ---- rows that are plain members ---- */

enum row_kind { ROW_U8, ROW_I8, ROW_U16, ROW_INT, ROW_UNSIGNED, ROW_U64, ROW_TIME, ROW_TEXT };

#define MEMBER(key, kind, member) \
    { \
        key, kind, offsetof(struct service, member) \
    }

static const struct row {
    const char *key;
    enum row_kind kind;
    size_t offset;
} rows[] = {
    MEMBER("result-code", ROW_U8, result),
    MEMBER("reload-result", ROW_U8, reload_result),
    MEMBER("clean-result", ROW_U8, clean_result),
    MEMBER("notify-state", ROW_U8, notify_state),
    MEMBER("control-phase", ROW_U8, control_phase),
    MEMBER("failed-phase", ROW_U8, failed_phase),
    MEMBER("access-override", ROW_I8, access_override),
    MEMBER("main-index", ROW_U16, main_index),
    MEMBER("control-index", ROW_U16, control_index),
    MEMBER("failed-index", ROW_U16, failed_index),
    MEMBER("main-pid", ROW_INT, main.pid),
    MEMBER("control-pid", ROW_INT, control.pid),
    MEMBER("main-exec-pid", ROW_INT, main_exec.pid),
    MEMBER("main-exec-code", ROW_INT, main_exec.code),
    MEMBER("main-exec-status", ROW_INT, main_exec.status),
    MEMBER("main-exec-start", ROW_TIME, main_exec.start),
    MEMBER("main-exec-handoff", ROW_TIME, main_exec.handoff),
    MEMBER("main-exec-exit", ROW_TIME, main_exec.exit),
    MEMBER("control-exec-pid", ROW_INT, control_exec.pid),
    MEMBER("control-exec-start", ROW_TIME, control_exec.start),
    MEMBER("deadline", ROW_U64, deadline),
    MEMBER("watchdog-override", ROW_U64, watchdog_override),
    MEMBER("watchdog-time", ROW_TIME, watchdog_time),
    MEMBER("reload-begin", ROW_U64, reload_begin),
    MEMBER("random-extra", ROW_U64, random_extra),
    MEMBER("oom-kills", ROW_U64, oom_kills),
    MEMBER("n-restarts", ROW_UNSIGNED, n_restarts),
    MEMBER("status-errno", ROW_INT, status_errno),
    MEMBER("status-text", ROW_TEXT, status_text),
    MEMBER("bus-error", ROW_TEXT, bus_error),
    MEMBER("varlink-error", ROW_TEXT, varlink_error),
    MEMBER("prober-pid", ROW_INT, prober),
    MEMBER("failed-step", ROW_INT, failed_step),
    MEMBER("failed-error", ROW_INT, failed_error),
    MEMBER("failed-object", ROW_TEXT, failed_object),
    MEMBER("failed-directive", ROW_TEXT, failed_directive),
};

static int64_t get_number(const struct row *row, const void *p)
{
    switch (row->kind) {
    case ROW_U8:
        return *(const uint8_t *) p;
    case ROW_I8:
        return *(const int8_t *) p;
    case ROW_U16:
        return *(const uint16_t *) p;
    case ROW_INT:
        return *(const int *) p;
    case ROW_UNSIGNED:
        return *(const unsigned *) p;
    case ROW_U64:
    case ROW_TIME:
    case ROW_TEXT:
        break;
    }
    assert_unreachable();
}

static void save_row(const struct row *row, const struct service *s, struct state_writer *w)
{
    const void *p = (const char *) s + row->offset;

    if (row->kind == ROW_TEXT)
        state_write(w, row->key, *(char *const *) p);
    else if (row->kind == ROW_TIME)
        state_write_time(w, row->key, *(const struct dual_time *) p);
    else if (row->kind == ROW_U64)
        state_write_u64_always(w, row->key, *(const uint64_t *) p);
    else
        state_write_i64_always(w, row->key, get_number(row, p));
}

static int restore_number(const struct row *row, void *p, const char *value)
{
    int64_t n;
    int r = state_read_i64(value, &n);

    if (r < 0)
        return r;
    switch (row->kind) {
    case ROW_U8:
        *(uint8_t *) p = (uint8_t) n;
        return n >= 0 && n <= UINT8_MAX ? 0 : -EINVAL;
    case ROW_I8:
        *(int8_t *) p = (int8_t) n;
        return n >= INT8_MIN && n <= INT8_MAX ? 0 : -EINVAL;
    case ROW_U16:
        *(uint16_t *) p = (uint16_t) n;
        return n >= 0 && n <= UINT16_MAX ? 0 : -EINVAL;
    case ROW_INT:
        *(int *) p = (int) n;
        return n >= INT32_MIN && n <= INT32_MAX ? 0 : -EINVAL;
    case ROW_UNSIGNED:
        *(unsigned *) p = (unsigned) n;
        return n >= 0 && n <= UINT32_MAX ? 0 : -EINVAL;
    case ROW_U64:
    case ROW_TIME:
    case ROW_TEXT:
        break;
    }
    assert_unreachable();
}

static int restore_row(const struct row *row, struct service *s, const char *value)
{
    void *p = (char *) s + row->offset;

    if (row->kind == ROW_TEXT)
        return str_replace(p, value);
    if (row->kind == ROW_TIME)
        return state_read_time(value, p);
    if (row->kind == ROW_U64)
        return state_read_u64(value, p);
    return restore_number(row, p, value);
}

/* ---- flags ---- */

enum { FLAG_MAIN_KNOWN = 1, FLAG_FORBID = 2, FLAG_FLUSH = 4, FLAG_LIVE = 8, FLAG_SIGNALLED = 16 };

static uint64_t get_flags(const struct service *s)
{
    return (s->main_known ? FLAG_MAIN_KNOWN : 0) | (s->forbid_restart ? FLAG_FORBID : 0) |
           (s->flush_restarts ? FLAG_FLUSH : 0) | (s->live ? FLAG_LIVE : 0) |
           (s->reload_signalled ? FLAG_SIGNALLED : 0);
}

static void set_flags(struct service *s, uint64_t flags)
{
    s->main_known = flags & FLAG_MAIN_KNOWN;
    s->forbid_restart = flags & FLAG_FORBID;
    s->flush_restarts = flags & FLAG_FLUSH;
    s->live = flags & FLAG_LIVE;
    s->reload_signalled = flags & FLAG_SIGNALLED;
}

/* ---- what is more than a member ---- */

/* What comes over one row at a time and makes sense only together. */
struct service_restored {
    int fd; /* stored-fd or notify-fd, until its name is read */
    int runtime_fds[SPAWN_RUNTIME_FDS];
    int main_report, control_report;
    char *source; /* of the connection */
    uint8_t state;
};

static int ensure_restored(struct service *s)
{
    if (s->restored)
        return 0;
    s->restored = new0(struct service_restored, 1);
    if (!s->restored)
        return -ENOMEM;
    s->restored->fd = s->restored->main_report = s->restored->control_report = -1;
    for (size_t i = 0; i < SPAWN_RUNTIME_FDS; i++)
        s->restored->runtime_fds[i] = -1;
    return 0;
}

void service_restored_free(struct service *s)
{
    if (!s->restored)
        return;
    free(s->restored->source);
    close_fd(s->restored->fd);
    close_fd(s->restored->main_report);
    close_fd(s->restored->control_report);
    for (size_t i = 0; i < SPAWN_RUNTIME_FDS; i++)
        close_fd(s->restored->runtime_fds[i]);
    free(s->restored);
    s->restored = NULL;
}

static void save_runtime(const struct service *s, struct state_writer *w)
{
    auto_free char *text = NULL;
    int fds[SPAWN_RUNTIME_FDS];
    char key[32];

    if (!s->runtime || spawn_runtime_save(s->runtime, &text, fds) < 0)
        return;
    for (int i = 0; i < SPAWN_RUNTIME_FDS; i++) {
        snprintf(key, sizeof key, "runtime-fd-%d", i);
        state_write_fd(w, key, fds[i]);
    }
    state_write(w, "runtime", text);
}

/* Stored descriptors are written last to first: reading pushes each to the front. */
static void save_fds(const struct stored_fd *f, struct state_writer *w)
{
    if (!f)
        return;
    save_fds(f->next, w);
    state_write_fd(w, "stored-fd", f->fd);
    state_writef(w, "stored-name", "%c%s", f->source ? '+' : '-', f->name);
}

int service_save(const struct unit *u, struct state_writer *w)
{
    const struct service *s = SERVICE(u);
    const char *path;

    state_write(w, "state", service_states[s->state].name);
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        save_row(&rows[i], s, w);
    state_write_u64(w, "flags", get_flags(s));
    state_write_fd(w, "main-report", s->main.report_fd);
    state_write_fd(w, "control-report", s->control.report_fd);
    int fd = service_notify_socket(s, &path);
    if (fd >= 0) {
        state_write_fd(w, "notify-fd", fd);
        state_write(w, "notify-path", path);
    }
    if (service_health_state(s))
        state_write(w, "health", service_health_state(s));
    save_fds(s->fds, w);
    if (s->connection) {
        state_write_fd(w, "connection-fd", s->connection->fd);
        state_write(w, "connection-source", s->connection->source);
        state_write(w, "connection-socket", s->connection->socket_name);
    }
    save_runtime(s, w);
    return 0;
}

/* ---- reading ---- */

static int restore_stored(struct service *s, const char *value)
{
    int fd = take_fd(&s->restored->fd);

    if (fd < 0 || (value[0] != '+' && value[0] != '-')) {
        close_fd(fd);
        return -EINVAL;
    }
    int r = service_store_fd(s, fd, value + 1, value[0] == '+');
    return r < 0 ? r : 0;
}

static int restore_runtime(struct service *s, const char *text)
{
    int fds[SPAWN_RUNTIME_FDS];

    for (size_t i = 0; i < SPAWN_RUNTIME_FDS; i++)
        fds[i] = take_fd(&s->restored->runtime_fds[i]);
    return spawn_runtime_restore(text, fds, &s->runtime);
}

static int restore_connection(struct service *s, const char *socket)
{
    struct service_connection *c = new0(struct service_connection, 1);

    if (!c || s->connection || s->restored->fd < 0) {
        free(c);
        return c ? -EINVAL : -ENOMEM;
    }
    c->fd = take_fd(&s->restored->fd);
    c->source = take_ptr(s->restored->source);
    c->socket_name = strdup(socket);
    if (!c->socket_name) {
        socket_connection_free(c);
        return -ENOMEM;
    }
    s->connection = c;
    return 0;
}

/* The place of a descriptor that this key brings, or NULL. */
static int *fd_place(struct service_restored *d, const char *key)
{
    const char *number = startswith(key, "runtime-fd-");
    unsigned i;

    if (number && parse_unsigned(number, &i) >= 0 && i < SPAWN_RUNTIME_FDS)
        return &d->runtime_fds[i];
    return streq(key, "main-report")      ? &d->main_report
           : streq(key, "control-report") ? &d->control_report
           : streq(key, "notify-fd")      ? &d->fd
           : streq(key, "stored-fd")      ? &d->fd
           : streq(key, "connection-fd")  ? &d->fd
                                          : NULL;
}

static int restore_place(int *place, const char *value, struct state_reader *r)
{
    int fd;
    int e = state_take_fd(r, value, &fd);

    if (e < 0)
        return e;
    close_fd(*place);
    *place = fd;
    return 0;
}

static int restore_other(struct service *s, const char *key, const char *value)
{
    uint64_t flags;
    int r;

    if (streq(key, "state")) {
        r = service_state_from_name(value);
        if (r >= 0)
            s->restored->state = (uint8_t) r;
        return r < 0 ? r : 0;
    }
    if (streq(key, "flags")) {
        r = state_read_u64(value, &flags);
        if (r >= 0)
            set_flags(s, flags);
        return r;
    }
    if (streq(key, "notify-path"))
        return s->restored->fd < 0 ? -EINVAL
                                   : service_notify_adopt(s, take_fd(&s->restored->fd), value);
    if (streq(key, "health"))
        return service_health_restore(s, value);
    if (streq(key, "stored-name"))
        return restore_stored(s, value);
    if (streq(key, "runtime"))
        return restore_runtime(s, value);
    if (streq(key, "connection-source"))
        return str_replace(&s->restored->source, value);
    if (streq(key, "connection-socket"))
        return restore_connection(s, value);
    return 0;
}

int service_restore(struct unit *u, const char *key, const char *value, struct state_reader *r)
{
    struct service *s = SERVICE(u);
    int e = ensure_restored(s);

    if (e < 0)
        return e;
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (streq(key, rows[i].key))
            return restore_row(&rows[i], s, value);
    int *place = fd_place(s->restored, key);
    return place ? restore_place(place, value, r) : restore_other(s, key, value);
}

/* A process that was ours before the hand-over. Returns whether it still is one. */
static bool take_up(struct service *s, struct service_child *c, int *report_fd)
{
    if (c->pid <= 0)
        return true;
    if (unit_watch_pid(UNIT(s), c->pid) < 0) {
        c->pid = 0;
        return false;
    }
    if (s->unit.tracker)
        (void) tracker_watch(s->unit.tracker, c->pid);
    c->alien = !service_is_our_child(s, c->pid);
    if (*report_fd >= 0)
        service_watch_report(s, c, take_fd(report_fd));
    return true;
}

/* Numbers that came over are checked against what they index. */
static void check_restored(struct service *s)
{
    if (s->result >= SERVICE_RESULT_MAX)
        s->result = RESULT_SUCCESS;
    if (s->reload_result >= SERVICE_RESULT_MAX)
        s->reload_result = RESULT_SUCCESS;
    if (s->clean_result >= SERVICE_RESULT_MAX)
        s->clean_result = RESULT_SUCCESS;
    if (s->notify_state >= NOTIFY_STATE_MAX)
        s->notify_state = NOTIFY_STATE_UNKNOWN;
    if (s->control_phase > NO_PHASE)
        s->control_phase = NO_PHASE;
    if (s->failed_phase > NO_PHASE)
        s->failed_phase = NO_PHASE;
    if (s->access_override >= NOTIFY_ACCESS_MAX)
        s->access_override = -1;
}

int service_coldplug(struct unit *u)
{
    struct service *s = SERVICE(u);

    if (!s->restored)
        return 0;
    if (s->connection)
        socket_connection_adopted(u, s->connection);
    check_restored(s);
    bool all = take_up(s, &s->main, &s->restored->main_report);
    all = take_up(s, &s->control, &s->restored->control_report) && all;
    if (s->prober > 0 && (!service_is_our_child(s, s->prober) || unit_watch_pid(u, s->prober) < 0))
        s->prober = 0;
    service_resume(s, s->restored->state);
    service_restored_free(s);
    if (!all)
        (void) service_handle(s, EV_EMPTY, RESULT_SUCCESS);
    return 0;
}
