/* Paths (systemd.path(5)): a unit is set off when something happens in the file system.
 *
 * Each path of the file has an inotify descriptor, which watches it and every folder above it, so
 * that what does not exist yet is seen coming. While the unit that is set off runs nothing is
 * watched; when it has ended the paths are looked at again. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/glob.h"
#include "base/rate_limit.h"
#include "base/str.h"
#include "base/strv.h"
#include "event/event.h"
#include "manager/private.h"
#include "manager/state.h"
#include "manager/trigger.h"
#include "unit/config.h"

enum path_state { PATH_DEAD, PATH_WAITING, PATH_RUNNING, PATH_FAILED, PATH_STATE_MAX };

static const struct trigger_state states[PATH_STATE_MAX] = {
    [PATH_DEAD] = { "dead", ACTIVE_INACTIVE },
    [PATH_WAITING] = { "waiting", ACTIVE_ACTIVE },
    [PATH_RUNNING] = { "running", ACTIVE_ACTIVE },
    [PATH_FAILED] = { "failed", ACTIVE_FAILED },
};

enum path_result {
    PATH_SUCCESS,
    PATH_FAILURE_RESOURCES,
    PATH_FAILURE_START_LIMIT,
    PATH_FAILURE_UNIT_START_LIMIT,
    PATH_FAILURE_TRIGGER_LIMIT,
    PATH_RESULT_MAX,
};

static const char *const results[PATH_RESULT_MAX] = {
    [PATH_SUCCESS] = "success",
    [PATH_FAILURE_RESOURCES] = "resources",
    [PATH_FAILURE_START_LIMIT] = "start-limit-hit",
    [PATH_FAILURE_UNIT_START_LIMIT] = "unit-start-limit-hit",
    [PATH_FAILURE_TRIGGER_LIMIT] = "trigger-limit-hit",
};

/* TriggerLimitIntervalSec= and TriggerLimitBurst= where the file says nothing. */
#define TRIGGER_INTERVAL (2 * USEC_PER_SEC)
#define TRIGGER_BURST 200

/* One path of the file, in their order. */
struct watched {
    const struct path_spec *spec;
    struct path *path;
    struct event_source *source;
    int fd;           /* inotify, -1 */
    int wd;           /* of the path itself, -1 where it does not exist */
    bool has_existed; /* when it was last looked at */
};

struct path {
    struct unit unit;
    uint8_t state;  /* enum path_state: assigned by set_state() alone */
    uint8_t result; /* enum path_result */
    uint8_t restored;
    struct watched *watched;
    size_t n_watched;
    struct rate_limit limit;
    struct event_source *look; /* the unit that is set off has changed */
};

static struct path *PATH(const struct unit *u)
{
    return (struct path *) u;
}

/* ---- watching ---- */

static const uint32_t itself = IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB;
static const uint32_t entries = IN_CREATE | IN_MOVED_TO;

static uint32_t events_of(enum path_kind kind)
{
    const uint32_t changes = IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM;

    switch (kind) {
    case PATH_EXISTS:
    case PATH_EXISTS_GLOB:
        return itself;
    case PATH_DIRECTORY_NOT_EMPTY:
        return itself | entries;
    case PATH_CHANGED:
        return itself | entries | changes;
    case PATH_MODIFIED:
        return itself | entries | changes | IN_MODIFY;
    case PATH_KIND_MAX:
        break;
    }
    assert_unreachable();
}

static void unwatch(struct path *p)
{
    for (size_t i = 0; i < p->n_watched; i++) {
        p->watched[i].source = event_source_free(p->watched[i].source);
        p->watched[i].fd = close_fd(p->watched[i].fd);
        p->watched[i].wd = -1;
    }
}

/* The part of the path that is watched by name: all of it, or what is before the first pattern. */
static char *fixed_part(const struct path_spec *spec)
{
    char *path = strdup(spec->path);
    char *pattern = path && spec->kind == PATH_EXISTS_GLOB ? strpbrk(path, "*?[") : NULL;

    if (!pattern)
        return path;
    while (pattern > path && *pattern != '/')
        pattern--;
    pattern[pattern == path ? 1 : 0] = '\0';
    return path;
}

/* Watches the folders above, from the root down, as far as they exist. A link is watched besides
 * what it points to. */
static int watch_folders(struct watched *w, char *path)
{
    for (char *slash = path; slash; slash = strchr(slash + 1, '/')) {
        char *cut = slash == path ? path + 1 : slash, saved = *cut;

        *cut = '\0';
        int r = inotify_add_watch(w->fd, path, itself | entries | IN_MASK_ADD);
        int failure = errno;
        (void) inotify_add_watch(w->fd, path, itself | IN_DONT_FOLLOW | IN_MASK_ADD);
        *cut = saved;
        if (r < 0)
            return failure == ENOENT || failure == ENOTDIR || failure == EACCES ? 0 : -failure;
    }
    return 0;
}

static void on_event(struct event_source *source, int fd, uint32_t revents, void *userdata);

static int watch_one(struct path *p, struct watched *w)
{
    auto_free char *path = fixed_part(w->spec);

    if (!path)
        return -ENOMEM;
    w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (w->fd < 0)
        return -errno;
    int r = watch_folders(w, path);
    if (r < 0)
        return r;
    w->wd = inotify_add_watch(w->fd, path,
                              events_of(w->spec->kind) | IN_MASK_ADD |
                                  (w->spec->kind == PATH_EXISTS_GLOB ? entries : 0));
    if (w->wd < 0 && errno != ENOENT && errno != ENOTDIR && errno != EACCES)
        return -errno;
    return event_add_io(manager_loop(p->unit.manager), w->fd, EPOLLIN, on_event, w, &w->source);
}

static int watch(struct path *p)
{
    int r = 0;

    unwatch(p);
    for (size_t i = 0; r >= 0 && i < p->n_watched; i++)
        r = watch_one(p, &p->watched[i]);
    if (r < 0) {
        unwatch(p);
        if (r == -ENOSPC || r == -EMFILE)
            unit_log_text(&p->unit, LOG_ERR,
                          "The limit of inotify watches is reached: raise "
                          "fs.inotify.max_user_watches and fs.inotify.max_user_instances.");
        else
            unit_log_text(&p->unit, LOG_WARNING, "Failed to enter waiting state: %s", strerror(-r));
    }
    return r;
}

/* ---- looking ---- */

static bool folder_has_entries(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;

    if (!d)
        return false;
    while ((e = readdir(d)) && (streq(e->d_name, ".") || streq(e->d_name, "..")))
        ;
    closedir(d);
    return e;
}

/* Whether there is a reason to set the unit off. `initial`: a change is none, since nobody has
 * looked before. The path that is the reason: *ret, a new string. */
static bool look_at(struct watched *w, bool initial, char **ret)
{
    const char *path = w->spec->path;
    bool reason = false, exists;
    auto_strv char **found = NULL;

    switch ((enum path_kind) w->spec->kind) {
    case PATH_EXISTS:
        reason = access(path, F_OK) == 0;
        break;
    case PATH_EXISTS_GLOB:
        if (path_glob(path, &found) > 0)
            *ret = strdup(found[0]);
        return *ret;
    case PATH_DIRECTORY_NOT_EMPTY:
        reason = folder_has_entries(path);
        break;
    case PATH_CHANGED:
    case PATH_MODIFIED:
        exists = access(path, F_OK) == 0;
        reason = !initial && exists != w->has_existed;
        w->has_existed = exists;
        break;
    case PATH_KIND_MAX:
        break;
    }
    if (reason)
        *ret = strdup(path);
    return reason && *ret;
}

static char *reason_to_start(struct path *p, bool initial)
{
    char *reason = NULL;

    for (size_t i = 0; !reason && i < p->n_watched; i++)
        (void) look_at(&p->watched[i], initial, &reason);
    return reason;
}

/* ---- state ---- */

static enum active_state path_active_state(const struct unit *u)
{
    return states[PATH(u)->state].active;
}

static void set_state(struct path *p, enum path_state state)
{
    enum path_state old = p->state;

    if (state != PATH_WAITING)
        unwatch(p);
    p->state = (uint8_t) state;
    unit_notify_state(&p->unit, states[old].active, states[state].active, false);
}

static void enter_dead(struct path *p, enum path_result result)
{
    if (p->result == PATH_SUCCESS)
        p->result = (uint8_t) result;
    if (p->result == PATH_SUCCESS)
        unit_message_success(&p->unit);
    else
        unit_log(&p->unit, MSG_UNIT_FAILED, 0, "UNIT_RESULT", results[p->result], NULL);
    set_state(p, p->result == PATH_SUCCESS ? PATH_DEAD : PATH_FAILED);
}

static void enter_running(struct path *p, const char *reason)
{
    auto_strv char **environment = NULL;

    if (unit_stop_pending(&p->unit))
        return;
    if (!rate_limit_below(&p->limit, now_usec(CLOCK_MONOTONIC))) {
        unit_log_text(&p->unit, LOG_WARNING, "Trigger limit hit, refusing further activation.");
        enter_dead(p, PATH_FAILURE_TRIGGER_LIMIT);
        return;
    }
    if (strv_addf(&environment, "TRIGGER_PATH=%s", reason) < 0 ||
        trigger_fire(&p->unit, environment) < 0) {
        enter_dead(p, PATH_FAILURE_RESOURCES);
        return;
    }
    set_state(p, PATH_RUNNING);
}

static void enter_waiting(struct path *p, bool initial)
{
    const struct unit *other = trigger_unit(&p->unit);

    if (other && !inactive_or_failed(unit_active_state(other))) {
        set_state(p, PATH_RUNNING);
        return;
    }
    auto_free char *reason = reason_to_start(p, initial);
    if (!reason) {
        if (watch(p) < 0) {
            enter_dead(p, PATH_FAILURE_RESOURCES);
            return;
        }
        /* It may have come while the watches were made. */
        reason = reason_to_start(p, initial);
    }
    if (reason)
        enter_running(p, reason);
    else
        set_state(p, PATH_WAITING);
}

/* Takes in what has happened. Whether it happened to the path itself. */
static bool read_events(struct watched *w)
{
    _Alignas(struct inotify_event) char buffer[4096];
    bool hit = false;
    ssize_t n;

    while ((n = read(w->fd, buffer, sizeof buffer)) > 0)
        for (char *at = buffer; at < buffer + n;) {
            const struct inotify_event *e = (const struct inotify_event *) at;

            hit = hit || (w->wd >= 0 && e->wd == w->wd);
            at += sizeof *e + e->len;
        }
    return hit;
}

static void on_event(struct event_source *source, int fd, uint32_t revents, void *userdata)
{
    struct watched *w = userdata;
    struct path *p = w->path;
    bool hit = read_events(w);

    if (p->state != PATH_WAITING)
        return;
    if (hit && (w->spec->kind == PATH_CHANGED || w->spec->kind == PATH_MODIFIED))
        enter_running(p, w->spec->path);
    else
        enter_waiting(p, false);
}

static void look_again(struct event_source *source, void *userdata)
{
    struct path *p = userdata;
    const struct unit *other = trigger_unit(&p->unit);

    if (!other || (p->state != PATH_WAITING && p->state != PATH_RUNNING))
        return;
    if (other->start_limit_hit) {
        enter_dead(p, PATH_FAILURE_UNIT_START_LIMIT);
        return;
    }
    if (other->job)
        return;
    if ((p->state == PATH_RUNNING) == inactive_or_failed(unit_active_state(other)))
        enter_waiting(p, true);
}

/* Not at once: the state of the other unit is still being told. */
static void path_triggered_changed(struct unit *u, struct unit *other)
{
    struct path *p = PATH(u);

    if (p->look && (p->state == PATH_WAITING || p->state == PATH_RUNNING))
        event_source_enable(p->look);
}

/* ---- what the manager asks ---- */

static void drop_watched(struct path *p)
{
    unwatch(p);
    free(p->watched);
    p->watched = NULL;
    p->n_watched = 0;
}

static int make_watched(struct path *p, const struct path_config *c)
{
    size_t n = 0;

    drop_watched(p);
    for (const struct path_spec *spec = c->paths; spec; spec = spec->next)
        n++;
    p->watched = new0(struct watched, n + 1);
    if (!p->watched)
        return -ENOMEM;
    for (const struct path_spec *spec = c->paths; spec; spec = spec->next)
        p->watched[p->n_watched++] = (struct watched){
            .spec = spec, .path = p, .fd = -1, .wd = -1
        };
    return 0;
}

static int path_load(struct unit *u)
{
    struct path *p = PATH(u);
    const struct path_config *c = u->config->path;
    int r;

    if (!c->paths)
        return unit_load_fault(u, "Path unit lacks path setting.");
    r = make_watched(p, c);
    p->limit.interval = c->trigger_limit_interval_sec == USEC_INFINITY
                            ? TRIGGER_INTERVAL
                            : c->trigger_limit_interval_sec;
    p->limit.burst = c->trigger_limit_burst == UINT_MAX ? TRIGGER_BURST : c->trigger_limit_burst;
    if (r >= 0 && !p->look) {
        r = event_add_post(manager_loop(u->manager), look_again, p, &p->look);
        if (r >= 0)
            event_source_disable(p->look);
    }
    if (r >= 0)
        r = trigger_add_unit(u, c->unit);
    if (r >= 0)
        r = trigger_add_default_dependencies(u, "paths.target");
    for (size_t i = 0; r >= 0 && i < p->n_watched; i++) {
        auto_free char *path = fixed_part(p->watched[i].spec);
        r = path ? unit_add_mounts_for(u, path, false) : -ENOMEM;
    }
    return r < 0 ? r : 0;
}

static void path_done(struct unit *u)
{
    struct path *p = PATH(u);

    drop_watched(p);
    p->look = event_source_free(p->look);
}

static void make_folders(struct path *p)
{
    const struct path_config *c = p->unit.config->path;

    if (!c->make_directory)
        return;
    for (const struct path_spec *spec = c->paths; spec; spec = spec->next) {
        if (spec->kind == PATH_EXISTS || spec->kind == PATH_EXISTS_GLOB)
            continue;
        int r = mkdir_all(spec->path, c->directory_mode);
        if (r < 0)
            unit_log_text(&p->unit, LOG_WARNING, "Failed to create directory '%s', ignoring: %s",
                          spec->path, strerror(-r));
    }
}

static int path_can_start(struct unit *u)
{
    int r = unit_check_start_limit(u);

    if (r < 0)
        enter_dead(PATH(u), PATH_FAILURE_START_LIMIT);
    return r < 0 ? r : 1;
}

static int path_start(struct unit *u)
{
    struct path *p = PATH(u);
    int r = trigger_check_unit(u);

    if (r < 0)
        return r;
    make_folders(p);
    unit_new_invocation(u);
    p->result = PATH_SUCCESS;
    enter_waiting(p, true);
    return 1;
}

static int path_stop(struct unit *u)
{
    enter_dead(PATH(u), PATH_SUCCESS);
    return 1;
}

static void path_reloaded(struct unit *u)
{
    struct path *p = PATH(u);

    /* The settings that were watched are gone, also where the new ones could not be loaded. */
    if (make_watched(p, u->config->path) < 0)
        enter_dead(p, PATH_FAILURE_RESOURCES);
    else if (p->state == PATH_WAITING || p->state == PATH_RUNNING)
        enter_waiting(p, true);
}

static void path_reset_failed(struct unit *u)
{
    struct path *p = PATH(u);

    if (p->state == PATH_FAILED)
        set_state(p, PATH_DEAD);
    p->result = PATH_SUCCESS;
}

static const char *path_sub_state(const struct unit *u)
{
    return states[PATH(u)->state].name;
}

static const char *path_result(const struct unit *u)
{
    return results[PATH(u)->result];
}

/* ---- hand-over ---- */

static int path_save(const struct unit *u, struct state_writer *w)
{
    const struct path *p = PATH(u);

    trigger_save(w, &states[p->state], p->result);
    return 0;
}

static int path_restore(struct unit *u, const char *key, const char *value, struct state_reader *r)
{
    struct path *p = PATH(u);

    (void) r;
    return MIN(0, trigger_restore(key, value, states, PATH_STATE_MAX, PATH_RESULT_MAX, &p->restored,
                                  &p->result));
}

static int path_coldplug(struct unit *u)
{
    struct path *p = PATH(u);
    enum path_state state = p->restored;

    if (state == PATH_DEAD || !u->config)
        return 0;
    p->restored = PATH_DEAD;
    if (state == PATH_FAILED)
        set_state(p, state);
    else
        enter_waiting(p, true);
    return 0;
}

static int get_result(const struct unit *u, struct property_value *v)
{
    *v = (struct property_value){ .kind = VALUE_STRING, .text = path_result(u) };
    return 0;
}

static int get_limit_interval(const struct unit *u, struct property_value *v)
{
    *v = (struct property_value){ .kind = VALUE_SPAN, .number = PATH(u)->limit.interval };
    return 0;
}

static int get_limit_burst(const struct unit *u, struct property_value *v)
{
    *v = (struct property_value){ .kind = VALUE_UINT, .number = PATH(u)->limit.burst };
    return 0;
}

static const struct property_row path_properties[] = {
    { "TriggerLimitIntervalUSec", get_limit_interval },
    { "TriggerLimitBurst", get_limit_burst },
    { "Unit", trigger_get_unit },
    { "Result", get_result },
    { 0 },
};

const struct unit_ops path_ops = {
    .object_size = sizeof(struct path),
    .can_transient = true,
    .done = path_done,
    .load = path_load,
    .coldplug = path_coldplug,
    .reloaded = path_reloaded,
    .start = path_start,
    .stop = path_stop,
    .can_start = path_can_start,
    .active_state = path_active_state,
    .sub_state = path_sub_state,
    .triggered_changed = path_triggered_changed,
    .reset_failed = path_reset_failed,
    .save = path_save,
    .restore = path_restore,
    .result = path_result,
    .properties = path_properties,
};
