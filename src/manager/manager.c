#include "manager/manager.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "event/event.h"
#include "journal/client.h"
#include "launch/spawn.h"
#include "manager/checkpoint.h"
#include "manager/children.h"
#include "manager/collector.h"
#include "manager/config.h"
#include "manager/environment.h"
#include "manager/forgotten.h"
#include "manager/generators.h"
#include "manager/handover.h"
#include "manager/last_words.h"
#include "manager/mount.h"
#include "manager/places.h"
#include "manager/private.h"
#include "manager/shutdown.h"
#include "manager/transient.h"
#include "unit/config.h"
#include "unit/load.h"
#include "unit/virt.h"

#define QUIET_TIME (2 * USEC_PER_SEC)
#define QUIET_CALLS 32
#define CHANGES_MANY 256

const struct unit_ops *const unit_ops_table[UNIT_TYPE_MAX] = {
    [UNIT_SERVICE] = &service_ops, [UNIT_MOUNT] = &mount_ops,   [UNIT_SWAP] = &inert_ops,
    [UNIT_SOCKET] = &socket_ops,   [UNIT_TARGET] = &target_ops, [UNIT_DEVICE] = &device_ops,
    [UNIT_AUTOMOUNT] = &inert_ops, [UNIT_TIMER] = &timer_ops,   [UNIT_PATH] = &path_ops,
    [UNIT_SLICE] = &slice_ops,     [UNIT_SCOPE] = &inert_ops,
};

/* ---- small questions ---- */

struct event_loop *manager_loop(struct manager *m)
{
    return m->loop;
}

struct collector_client *manager_collector(struct manager *m)
{
    return m->collector;
}

enum manager_role manager_role(const struct manager *m)
{
    return m->role;
}

enum manager_objective manager_objective(const struct manager *m)
{
    return m->objective;
}

struct dual_time manager_start_time(const struct manager *m)
{
    return m->start;
}

struct dual_time manager_finish_time(const struct manager *m)
{
    return m->userspace_done;
}

const char *manager_runtime_dir(const struct manager *m)
{
    return m->runtime_dir;
}

const char *manager_socket_dir(const struct manager *m)
{
    return m->socket_dir;
}

const char *manager_tracking(const struct manager *m)
{
    return m->test ? "none" : track_kind_name(m->tracking.kind);
}

const char *manager_version(void)
{
    return "257 (reeve " REEVE_VERSION ")";
}

char *const *manager_warnings(const struct manager *m)
{
    return m->warnings;
}

static const char *const system_state_names[SYSTEM_STATE_MAX] = {
    [SYSTEM_INITIALIZING] = "initializing", [SYSTEM_STARTING] = "starting",
    [SYSTEM_RUNNING] = "running",           [SYSTEM_DEGRADED] = "degraded",
    [SYSTEM_MAINTENANCE] = "maintenance",   [SYSTEM_STOPPING] = "stopping",
};

const char *system_state_name(enum system_state s)
{
    return system_state_names[s];
}

static bool is_up(struct map *units, const char *name)
{
    const struct unit *u = map_get(units, name);

    return u && active_or_reloading(unit_active_state(u));
}

enum system_state manager_state(const struct manager *m)
{
    struct map *units = (struct map *) &m->units;
    const struct unit *end = map_get(units, "shutdown.target");

    if (m->shutting_down || (end && end->job && end->job->type == JOB_START))
        return SYSTEM_STOPPING;
    if (!m->startup_finished)
        return is_up(units, "basic.target") ? SYSTEM_STARTING : SYSTEM_INITIALIZING;
    if (is_up(units, "rescue.target") || is_up(units, "emergency.target"))
        return SYSTEM_MAINTENANCE;
    return m->n_failed > 0 ? SYSTEM_DEGRADED : SYSTEM_RUNNING;
}

/* ---- the queues, each time the loop comes round ---- */

/* After a boot, a reload or a mass of failures memory is left in holes. */
static void on_quiet(struct event_source *s, usec_t due, void *userdata)
{
    struct manager *m = userdata;
    unsigned calls = event_loop_calls(m->loop);

    if (calls - m->quiet_calls > QUIET_CALLS) {
        m->quiet_calls = calls;
        event_source_set_time_relative(s, QUIET_TIME);
        return;
    }
    struct unit *u;
    m->n_changes = 0;
    MANAGER_FOREACH_UNIT(u, m)
    dependency_shrink(u);
    alloc_trim();
}

static void note_changes(struct manager *m, unsigned n)
{
    m->n_changes += n;
    if (m->n_changes < CHANGES_MANY || (m->quiet && event_source_enabled(m->quiet)))
        return;
    if (m->quiet)
        event_source_set_time_relative(m->quiet, QUIET_TIME);
    else
        (void) event_add_time(m->loop, CLOCK_MONOTONIC, now_usec(CLOCK_MONOTONIC) + QUIET_TIME,
                              on_quiet, m, &m->quiet);
}

static void on_work(struct event_source *s, void *userdata)
{
    struct manager *m = userdata;

    manager_dispatch_load_queue(m);
    manager_dispatch_gc_queue(m);
    manager_dispatch_stop_bound(m);
    manager_dispatch_start_upheld(m);
    manager_dispatch_stop_unneeded(m);
    manager_dispatch_run_queue(m);
    note_changes(m, manager_dispatch_changed(m));
}

void manager_check_finished(struct manager *m)
{
    if (m->n_jobs > 0 || m->startup_finished || m->startup)
        return;
    m->startup_finished = true;
    m->userspace_done = dual_now();
    checkpoint_head(m);
    log_info("Startup finished in %llu ms.",
             (unsigned long long) (m->userspace_done.monotonic - m->start.monotonic) / 1000);
    manager_apply_startup(m);
    manager_tell(m, EVENT_STARTUP_FINISHED, NULL, NULL);
}

/* ---- set-up ---- */

static int copy_options(struct manager *m, const struct manager_options *o)
{
    m->options = *o;
    m->role = o->role;
    m->user = o->user_units;
    m->test = o->test;
    if ((o->root && str_replace(&m->root, o->root) < 0) ||
        str_replace(&m->console, o->console) < 0 || str_replace(&m->exit_when, o->exit_when) < 0)
        return -ENOMEM;
    if (o->unit_dirs && !(m->unit_dirs = strv_copy(o->unit_dirs)))
        return -ENOMEM;
    m->options.root = m->root;
    m->options.unit_dirs = m->unit_dirs;
    return 0;
}

static enum sandbox_policy choose_policy(const struct manager_options *o)
{
    if (o->sandbox && streq(o->sandbox, "strict"))
        return SANDBOX_STRICT;
    if (o->sandbox && streq(o->sandbox, "best-effort"))
        return SANDBOX_BEST_EFFORT;
    return o->role == MANAGER_PID1 || virt_container() ? SANDBOX_CONTAINER : SANDBOX_HOST;
}

static int set_up_spawn(struct manager *m)
{
    struct spawn_manager *s = &m->spawn;

    s->user = m->user;
    s->policy = choose_policy(&m->options);
    s->tracking = &m->tracking;
    s->reeve_dir = m->socket_dir;
    s->root = "";
    s->runtime_prefix = m->runtime_dir;
    s->console_fd = m->console_fd;
    s->default_timer_slack_nsec = USEC_INFINITY;
    s->default_oom_score_adjust = INT_MIN;
    s->state_prefix = "/var/lib";
    s->cache_prefix = "/var/cache";
    s->logs_prefix = "/var/log";
    s->configuration_prefix = "/etc";
    if (!m->user)
        return 0;

    /* file-hierarchy(7), HOME DIRECTORY. */
    const char *home = getenv("HOME");
    const struct {
        const char *variable, *below;
        const char **prefix;
    } rows[] = {
        { "XDG_STATE_HOME", ".local/state", &s->state_prefix },
        { "XDG_CACHE_HOME", ".cache", &s->cache_prefix },
        { "XDG_CONFIG_HOME", ".config", &s->configuration_prefix },
    };
    for (size_t i = 0; i < ELEMENTSOF(rows); i++) {
        const char *value = getenv(rows[i].variable);
        char *path = path_is_absolute(value) ? strdup(value)
                                             : path_join(home ? home : "/", rows[i].below, NULL);
        if (!path || strv_push(&m->owned_paths, path) < 0)
            return -ENOMEM;
        *rows[i].prefix = path;
    }
    char *logs = path_join(s->state_prefix, "log", NULL);
    if (!logs || strv_push(&m->owned_paths, logs) < 0)
        return -ENOMEM;
    s->logs_prefix = logs;
    return 0;
}

static void on_tracking(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    struct manager *m = userdata;

    /* A command that was started below cgroups is our own child: its end is taken in before its
     * cgroup is found empty. */
    manager_reap(m);
    track_dispatch(&m->tracking);
}

static int set_up_tracking(struct manager *m)
{
    static const struct track_events events = {
        .empty = manager_tracked_empty,
        .exited = manager_tracked_exit,
    };
    auto_free char *why_not = NULL;
    bool allow_cgroup = !m->options.no_cgroup;

    int r = track_host_init(&m->tracking, m->socket_dir, allow_cgroup, &events, m, &why_not);
    if (r < 0)
        return r;
    m->tracking_is_up = true;
    if (m->tracking.kind == TRACK_CGROUP) {
        r = cgroup_root_enter(&m->tracking.cgroup, m->role == MANAGER_PID1);
        if (r < 0)
            log_debug("Resource settings may not take effect: %s", strerror(-r));
    } else if (why_not)
        log_info("Processes are tracked by holders: %s", why_not);
    return event_add_io(m->loop, m->tracking.epoll_fd, EPOLLIN, on_tracking, m,
                        &m->tracking_source);
}

int manager_make_loader(struct manager *m, struct unit_loader **ret)
{
    struct unit_paths_options po = {
        .scope = m->user ? UNIT_SCOPE_USER : UNIT_SCOPE_SYSTEM,
        .root = m->root,
        .extra = m->unit_dirs,
    };
    struct unit_loader_options lo = {
        .user = m->user,
        .root = m->root,
        .runtime_dir = m->user ? m->runtime_dir : NULL,
        .presets = m->presets,
        .booted = m->role == MANAGER_SUPERVISOR || m->role == MANAGER_EPHEMERAL,
    };
    struct unit_paths paths = { 0 };
    auto_free char *base = NULL;

    if (m->role != MANAGER_PID1) {
        base = path_join(m->socket_dir, "systemd", NULL);
        if (!base)
            return -ENOMEM;
        po.runtime_base = base;
    }
    int r = unit_paths_new(&po, &paths);
    if (r < 0)
        return r;
    return unit_loader_new(&lo, &paths, ret);
}

static int set_up(struct manager *m)
{
    int r = unit_queue_reserve(m);

    if (r >= 0)
        r = event_add_post(m->loop, on_work, m, &m->work);
    if (r >= 0)
        r = manager_find_places(m);
    if (r >= 0)
        r = manager_read_config(m);
    if (r >= 0)
        r = manager_init_environment(m);
    if (r >= 0)
        r = set_up_spawn(m);
    if (r >= 0)
        r = manager_make_loader(m, &m->loader);
    if (r < 0 || m->test)
        return r;

    if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 && getpid() != 1)
        manager_warn(m, "Processes that leave their parent cannot be adopted: %s", strerror(errno));
    r = manager_watch_children(m);
    if (r >= 0)
        r = manager_watch_signals(m);
    if (r >= 0)
        r = set_up_tracking(m);
    if (r < 0)
        return r;
    manager_set_up_system(m);
    (void) manager_watch_mounts(m);
    return 0;
}

int manager_new(struct event_loop *loop, const struct manager_options *options,
                struct manager **ret)
{
    struct manager *m = new0(struct manager, 1);

    if (!m)
        return -ENOMEM;
    m->loop = loop;
    m->start = dual_now();
    m->console_fd = -1;
    m->own_cgroup = -1;
    m->mountinfo_fd = m->timezone_fd = -1;
    m->startup = true;
    spawn_init();
    int r = copy_options(m, options);
    if (r >= 0)
        r = set_up(m);
    if (r < 0) {
        log_error("Cannot set the manager up: %s", strerror(-r));
        manager_free(m);
        return r;
    }
    *ret = m;
    return 0;
}

/* ---- the boot ---- */

static int load_perpetual(struct manager *m)
{
    static const char *const system_units[] = { "-.slice", "system.slice", "init.scope" };
    struct unit *u;

    for (size_t i = 0; i < ELEMENTSOF(system_units); i++) {
        if (m->user && i > 0)
            break;
        int r = manager_load_unit(m, system_units[i], &u, NULL);
        if (r < 0)
            return r;
    }
    return 0;
}

static int start_one(struct manager *m, const char *name, enum job_mode mode)
{
    auto_op_error struct op_error e = { 0 };
    struct unit *u;

    int r = manager_load_unit(m, name, &u, &e);
    if (r >= 0)
        r = unit_check_load_state(u, &e);
    if (r >= 0)
        r = manager_add_job(m, JOB_START, u, mode, NULL, &e);
    if (r < 0)
        log_error("Cannot start %s: %s", name, e.message ? e.message : strerror(-r));
    return r;
}

static void generators_done(struct manager *m)
{
    bool any = false;

    m->times[TIME_GENERATORS_FINISH] = m->times[TIME_UNITS_LOAD_START] = dual_now();
    (void) unit_loader_refresh(m->loader);
    (void) load_perpetual(m);
    if (!m->test)
        manager_read_mounts(m);
    manager_dispatch_load_queue(m);
    m->times[TIME_UNITS_LOAD_FINISH] = dual_now();
    m->startup = false;
    checkpoint_head(m);
    if (!m->boot_units && m->role == MANAGER_SUPERVISOR) {
        log_info("Beside another init: only what is asked for is started");
        return;
    }
    if (!m->boot_units) {
        if (start_one(m, "default.target", JOB_MODE_REPLACE) < 0)
            (void) start_one(m, "rescue.target", JOB_MODE_REPLACE);
        return;
    }
    STRV_FOREACH (name, m->boot_units)
        any |= start_one(m, *name, JOB_MODE_REPLACE) >= 0;
    if (!any) {
        log_error("None of the units that were asked for can be started");
        m->exit_code = 1;
        m->exit_code_set = true;
        (void) manager_start_end(m, OBJECTIVE_EXIT);
    }
}

int manager_begin(struct manager *m, char *const *units, char **argv)
{
    if (units && !(m->boot_units = strv_copy(units)))
        return -ENOMEM;

    manager_confine(m);
    int r = manager_take_over(m);
    if (r == -EBUSY) {
        log_error("Another manager runs already, with its files in %s", m->socket_dir);
        return r;
    }
    if (argv) {
        unsigned patience = ALLOC_PATIENCE;
        int k;
        do
            k = checkpoint_begin(m, argv);
        while (k == -ENOMEM && alloc_wait(&patience));
        if (k < 0)
            log_error("A crash of the manager would lose its state: %s", strerror(-k));
    }
    if (r < 0)
        log_error("Cannot take over what an earlier manager left: %s", strerror(-r));
    m->startup = r <= 0 || m->boot_due;
    if (!m->startup)
        return 0;
    if (r <= 0) {
        transient_remove_all(m);
        manager_name_system(m);
        collector_start(m);
    }
    m->times[TIME_GENERATORS_START] = dual_now();
    return generators_run(m, generators_done);
}

enum manager_objective manager_run(struct manager *m)
{
    while (m->objective == OBJECTIVE_RUN) {
        int r = event_loop_run(m->loop);

        if (r < 0)
            log_error("The event loop failed: %s; going on", strerror(-r));
    }
    return m->objective;
}

/* ---- the end ---- */

void manager_free(struct manager *m)
{
    struct unit *u;
    size_t position = 0;

    if (!m)
        return;
    checkpoint_end(m);
    m->freeing = true;
    manager_drop_pending_exits(m);
    generators_drop(m);
    last_words_drop(m);
    if (m->collector)
        collector_stop(m);
    while (map_next(&m->jobs, &position, NULL)) {
        position = 0;
        struct job *j = map_next(&m->jobs, &position, NULL);

        job_uninstall(j);
        job_free(j);
        position = 0;
    }
    for (;;) {
        position = 0;
        u = map_next(&m->units, &position, NULL);
        if (!u)
            break;
        unit_free(unit_follow_merge(u));
    }
    if (m->tracking_is_up)
        track_host_done(&m->tracking);
    event_source_free(m->tracking_source);
    manager_unwatch_timezone(m);
    event_source_free(m->mountinfo_source);
    event_source_free(m->signal_child);
    event_source_free(m->stop_timer);
    event_source_free(m->collector_timer);
    event_source_free(m->work);
    event_source_free(m->quiet);
    close_fd(m->mountinfo_fd);
    close_fd(m->own_cgroup);
    forgotten_done(m);
    for (unsigned i = 0; i < QUEUE_MAX; i++)
        unit_queue_done(&m->queues[i]);
    unit_loader_free(m->loader);
    unit_presets_unref(m->presets);
    manager_config_done(m);
    map_done(&m->units);
    map_done(&m->jobs);
    map_done(&m->pids);
    map_done(&m->invocations);
    if (m->role == MANAGER_EPHEMERAL && m->socket_dir && !m->test)
        (void) remove_all(m->socket_dir);
    while (m->watches) {
        struct manager_watch *w = m->watches;

        m->watches = w->next;
        free(w);
    }
    strv_free(m->unit_dirs);
    strv_free(m->environment);
    strv_free(m->warnings);
    strv_free(m->boot_units);
    strv_free(m->owned_paths);
    free(m->root);
    free(m->runtime_dir);
    free(m->socket_dir);
    free(m->journal_dir);
    free(m->exit_when);
    free(m->console);
    free(m);
}
