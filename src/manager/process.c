/* A unit's processes: where they belong, where their output goes, signals to them. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/names.h"
#include "base/process.h"
#include "base/str.h"
#include "base/strv.h"
#include "journal/client.h"
#include "launch/cgroup.h"
#include "manager/checkpoint.h"
#include "manager/private.h"
#include "manager/transient.h"
#include "unit/config.h"

/* ---- the tracker ---- */

static void tell_refused(const char *directive, int error, void *userdata)
{
    auto_free char *startup = format("Startup%s", directive);

    if (startup && unit_sets_resource(userdata, startup))
        unit_note_degraded(userdata, startup, NULL, -abs(error));
    else if (unit_sets_resource(userdata, directive))
        unit_note_degraded(userdata, directive, NULL, -abs(error));
    else
        unit_log_text(userdata, LOG_DEBUG, "%s= does not take effect here: %s", directive,
                      strerror(abs(error)));
}

#define SLICES_MAX 32 /* within one another */

static void apply_resources(struct unit *u, bool fresh)
{
    const struct unit_config *slices[SLICES_MAX + 1] = { NULL };
    enum system_state state = manager_state(u->manager);
    size_t n = 0;

    if (!u->config || !u->tracker || tracker_cgroup_fd(u->tracker) < 0)
        return;
    for (const struct unit *s = u->slice; s && n < SLICES_MAX; s = s->slice)
        if (s->config)
            slices[n++] = s->config;
    if (u->type == UNIT_SLICE)
        (void) cgroup_disable(&u->manager->tracking.cgroup, tracker_cgroup(u->tracker),
                              u->config->cgroup->disable_controllers);
    cgroup_apply(&u->manager->tracking.cgroup, tracker_cgroup_fd(u->tracker), fresh,
                 state == SYSTEM_INITIALIZING || state == SYSTEM_STARTING ||
                     state == SYSTEM_STOPPING,
                 u->config, slices, tell_refused, u);
}

int unit_tracker_at(struct unit *u, const char *cgroup, struct tracker **ret)
{
    struct manager *m = u->manager;
    int r;

    if (m->test)
        return -EOPNOTSUPP;
    /* Slices above have their settings before anything runs in them. */
    if (u->slice && !u->slice->tracker && !streq(u->slice->id, "-.slice") &&
        m->tracking.kind == TRACK_CGROUP) {
        struct tracker *above;

        r = unit_tracker(u->slice, &above);
        if (r < 0)
            return r;
    }
    if (!u->tracker) {
        bool is_slice = u->type == UNIT_SLICE;

        r = tracker_new(&m->tracking, is_slice ? NULL : u->id,
                        is_slice   ? u->id
                        : u->slice ? u->slice->id
                                   : "-.slice",
                        u, &u->tracker);
        if (r >= 0 && cgroup)
            r = tracker_place(u->tracker, cgroup);
        if (r < 0)
            return r;
    }
    int before = tracker_cgroup_fd(u->tracker);
    r = tracker_realize(u->tracker);
    if (r < 0)
        return r;
    /* Once for each cgroup, not for each command; later changes are applied as they are made. */
    if (before < 0 || tracker_cgroup_fd(u->tracker) != before)
        apply_resources(u, r > 0);
    *ret = u->tracker;
    return 0;
}

int unit_tracker(struct unit *u, struct tracker **ret)
{
    return unit_tracker_at(u, NULL, ret);
}

void unit_apply_resources(struct unit *u)
{
    apply_resources(u, false);
}

void manager_apply_startup(struct manager *m)
{
    struct unit *u;

    MANAGER_FOREACH_UNIT(u, m)
    if (u->config && cgroup_has_startup(u->config))
        unit_apply_resources_below(u);
}

void unit_apply_resources_below(struct unit *u)
{
    struct unit *below;

    apply_resources(u, false);
    /* Filters of addresses are not hierarchical: those of a slice are part of each unit's. */
    if (u->type != UNIT_SLICE)
        return;
    UNIT_FOREACH_KIND(below, u, DEP_BIT(DEP_SLICE_OF))
    unit_apply_resources_below(below);
}

void unit_drop_cgroup(struct unit *u)
{
    if (!u->tracker || !tracker_is_empty(u->tracker) || tracker_remove(u->tracker) < 0)
        return;
    tracker_free(u->tracker);
    u->tracker = NULL;
}

int unit_set_traffic(struct unit *u, enum traffic direction, struct ip_traffic now)
{
    struct unit_rare *rare = unit_rare(u);

    if (!rare)
        return -ENOMEM;
    rare->traffic[direction] = now;
    return 0;
}

int unit_set_identity(struct unit *u, uid_t uid, gid_t gid)
{
    if (!u->rare && uid == (uid_t) -1 && gid == (gid_t) -1)
        return 0;
    struct unit_rare *rare = unit_rare(u);
    if (!rare)
        return -ENOMEM;
    rare->uid = uid;
    rare->gid = gid;
    return 0;
}

static void keep_traffic(struct unit *u, int cgroup_fd)
{
    struct ip_traffic now;

    if (!u->config || !u->config->cgroup->ip_accounting)
        return;
    for (int i = 0; i < TRAFFIC_MAX; i++) {
        if (bpf_read_traffic(cgroup_fd, (enum traffic) i, &now) >= 0)
            (void) unit_set_traffic(u, (enum traffic) i, now);
        else if (u->rare)
            u->rare->traffic[i] = NO_TRAFFIC;
    }
}

void unit_give_cgroup_back(struct unit *u)
{
    int fd = u->tracker ? tracker_cgroup_fd(u->tracker) : -1;
    uint64_t usec;

    if (!u->tracker || !tracker_is_empty(u->tracker))
        return;
    if (fd >= 0) {
        u->cpu_usage = cgroup_read_keyed(fd, "cpu.stat", "usage_usec", &usec) < 0
                           ? UINT64_MAX
                           : usec * NSEC_PER_USEC;
        keep_traffic(u, fd);
        if (cgroup_read_number(fd, "memory.peak", &u->memory_peak) < 0)
            u->memory_peak = UINT64_MAX;
    }
    unit_drop_cgroup(u);
}

/* ---- the output stream ---- */

static bool uses_stream(const struct exec_config *c)
{
    const int kinds[] = { c->standard_output.kind, c->standard_error.kind };

    for (size_t i = 0; i < ELEMENTSOF(kinds); i++)
        switch (kinds[i]) {
        case EXEC_OUTPUT_JOURNAL:
        case EXEC_OUTPUT_JOURNAL_CONSOLE:
        case EXEC_OUTPUT_KMSG:
        case EXEC_OUTPUT_KMSG_CONSOLE:
            return true;
        default:
            break;
        }
    return false;
}

static void on_stream_end(struct collector_stream *s, void *userdata)
{
    struct unit *u = userdata;

    if (u->stream == s)
        u->stream = NULL;
}

void unit_adopt_stream(struct unit *u)
{
    collector_stream_on_end(u->stream, on_stream_end, u);
}

/* systemd.exec(5), SyslogIdentifier=: else the name of the program, as the file says it. */
static const char *identifier_of(const struct unit *u)
{
    const char *named = u->config->exec->syslog_identifier;
    const struct exec_command *c = u->config->service->exec_start;

    return named ? named : c ? path_basename(c->path) : NULL;
}

static int open_stream(struct unit *u)
{
    struct manager *m = u->manager;
    const struct exec_config *c = u->config->exec;
    struct collector_stream_settings s = collector_stream_defaults;
    int kind = c->standard_output.kind;

    if (u->stream_fd >= 0 || !m->collector || !uses_stream(c))
        return 0;
    s.unit = u->id;
    s.invocation = u->invocation;
    s.slice = u->slice ? u->slice->id : "-.slice";
    s.cgroup = u->tracker ? tracker_cgroup(u->tracker) : NULL;
    s.identifier = identifier_of(u);
    s.facility = c->syslog_facility << 3;
    s.priority = c->syslog_level;
    s.level_prefix = c->syslog_level_prefix;
    s.level_max = c->log_level_max;
    s.parse = u->config->reeve->log_parse;
    s.extra_fields = c->log_extra_fields;
    s.rate_interval = c->log_rate_limit_interval_sec;
    s.rate_burst = c->log_rate_limit_burst;
    s.filter_patterns = c->log_filter_patterns;
    s.to_console = kind == EXEC_OUTPUT_JOURNAL_CONSOLE || kind == EXEC_OUTPUT_KMSG_CONSOLE;
    s.to_kmsg = kind == EXEC_OUTPUT_KMSG || kind == EXEC_OUTPUT_KMSG_CONSOLE;
    if (u->stream)
        collector_stream_close(u->stream);
    u->stream = NULL;
    int r = collector_stream_new(m->collector, &s, &u->stream_fd, &u->stream);
    if (r < 0)
        return r;
    collector_stream_on_end(u->stream, on_stream_end, u);
    checkpoint_streams(m);
    return 0;
}

void unit_close_stream(struct unit *u)
{
    u->stream_fd = close_fd(u->stream_fd);
    unit_close_stdio(u);
    if (!u->stream)
        return;
    collector_stream_on_end(u->stream, NULL, NULL);
    collector_stream_close(u->stream);
    u->stream = NULL;
}

int unit_prepare_spawn(struct unit *u, struct spawn_request *req)
{
    struct manager *m = u->manager;
    int r = unit_tracker(u, &req->tracker);

    if (r < 0)
        return r;
    r = open_stream(u);
    if (r < 0)
        return r;
    req->manager = &m->spawn;
    req->config = u->config;
    req->unit = u->id;
    req->invocation = u->invocation;
    req->stream_fd = u->stream_fd;
    req->stderr_stream_fd = -1;
    req->stdio = u->stdio;
    return 0;
}

unsigned unit_clean_needed(const struct unit *u, const struct spawn_runtime *runtime,
                           bool restarting)
{
    return spawn_clean_needed(&u->manager->spawn, u->config, u->id, runtime, restarting);
}

int unit_start_cleaner(struct unit *u, struct spawn_runtime *runtime, unsigned what, pid_t *ret)
{
    struct spawn s;
    int r = spawn_clean_start(&u->manager->spawn, u->config, u->id, runtime, what, &s);

    if (r < 0)
        return r;
    close_fd(s.pidfd);
    close_fd(s.report_fd);
    *ret = s.pid;
    return unit_watch_pid(u, s.pid);
}

void unit_tell_leftovers(struct unit *u, bool at_start)
{
    auto_free pid_t *pids = NULL;
    size_t n = 0;

    if (!u->tracker || tracker_is_empty(u->tracker) || tracker_pids(u->tracker, &pids, &n) < 0)
        return;
    for (size_t i = 0; i < n; i++) {
        auto_free char *comm = NULL;

        if (process_comm(pids[i], &comm) < 0)
            continue;
        if (!at_start) {
            unit_log_text(u, LOG_INFO, "Unit process %d (%s) remains running after unit stopped.",
                          (int) pids[i], comm);
            continue;
        }
        unit_log_text(u, LOG_WARNING,
                      "Found left-over process %d (%s) in control group while starting unit. "
                      "Ignoring.",
                      (int) pids[i], comm);
        unit_log_text(u, LOG_WARNING,
                      "This usually indicates unclean termination of a previous run, or service "
                      "implementation deficiencies.");
    }
}

void unit_ended(struct unit *u)
{
    if (unit_will_restart(u))
        return;
    unit_close_stream(u);
    if (u->ops->has_processes)
        spawn_forget_incoming(&u->manager->spawn, u->id);
    if (u->rare)
        strv_free(take_ptr(u->rare->activation));
}

/* ---- which process is whose ---- */

int unit_reserve_watch(struct unit *u)
{
    return map_reserve(&u->manager->pids);
}

int unit_watch_pid(struct unit *u, pid_t pid)
{
    return map_put_u64(&u->manager->pids, (uint64_t) pid, u);
}

void unit_unwatch_pid(struct unit *u, pid_t pid)
{
    if (map_get_u64(&u->manager->pids, (uint64_t) pid) == u)
        map_remove_u64(&u->manager->pids, (uint64_t) pid);
}

void unit_unwatch_all_pids(struct unit *u)
{
    struct map *pids = &u->manager->pids;
    size_t position = 0;
    uint64_t pid;
    struct unit *owner;

    if (!u->ops->has_processes)
        return;
    while ((owner = map_next(pids, &position, &pid)))
        if (owner == u)
            map_remove_u64(pids, pid);
}

struct unit *manager_unit_by_pid(struct manager *m, pid_t pid)
{
    struct unit *u = map_get_u64(&m->pids, (uint64_t) pid);
    auto_free char *path = NULL;

    if (u)
        return u;
    if (pid == getpid())
        return manager_unit(m, "init.scope");
    if (m->tracking.kind == TRACK_CGROUP) {
        if (cgroup_of_pid(&m->tracking.cgroup, pid, &path) < 0)
            return NULL;
        /* The unit is the last component that is loaded; what is below is its own. */
        for (char *slash; (slash = strrchr(path, '/')); *slash = '\0')
            if ((u = manager_unit(m, slash + 1)) && u->tracker)
                return u;
        return NULL;
    }
    MANAGER_FOREACH_UNIT(u, m)
    if (u->tracker && u->type != UNIT_SLICE && tracker_contains(u->tracker, pid) > 0)
        return u;
    return NULL;
}

/* ---- signals ---- */

static int send_one(pid_t pid, int signo, int code, int value)
{
    if (code == SI_QUEUE)
        return sigqueue(pid, signo, (union sigval){ .sival_int = value }) < 0 ? -errno : 0;
    return kill(pid, signo) < 0 ? -errno : 0;
}

int unit_kill(struct unit *u, enum kill_whom whom, int signo, int code, int value,
              struct op_error *e)
{
    pid_t main_pid = u->ops->main_pid ? u->ops->main_pid(u) : 0;
    pid_t control_pid = u->ops->control_pid ? u->ops->control_pid(u) : 0;
    bool all = whom == KILL_ALL || whom == KILL_ALL_FAIL;
    bool is_main = whom == KILL_MAIN || whom == KILL_MAIN_FAIL;
    bool is_control = whom == KILL_CONTROL || whom == KILL_CONTROL_FAIL;
    unsigned killed = 0;
    int r = 0;

    if (!u->ops->has_processes && u->type != UNIT_SLICE && u->type != UNIT_SCOPE)
        return op_error_set(e, -EOPNOTSUPP, "NotSupported", "Unit type does not support killing.");
    if (code == SI_QUEUE && (signo < SIGRTMIN || signo > SIGRTMAX))
        return op_error_set(e, -EINVAL, "InvalidArgs",
                            "Value parameter only accepted for realtime signals "
                            "(SIGRTMIN…SIGRTMAX), refusing for signal SIG%s.",
                            signal_name(signo));
    if (is_main && !u->ops->main_pid)
        return op_error_set(e, -EINVAL, "NoSuchProcess", "%s units have no main processes",
                            unit_type_to_string(u->type));
    if (is_main && main_pid == 0)
        return op_error_set(e, -ESRCH, "NoSuchProcess", "No main process to kill");
    if (is_control && control_pid == 0)
        return op_error_set(e, -ESRCH, "NoSuchProcess", "No control process to kill");

    pid_t done[2];
    size_t n_done = 0;
    const struct {
        pid_t pid;
        bool wanted;
    } roles[] = { { control_pid, all || is_control }, { main_pid, all || is_main } };
    for (size_t i = 0; i < ELEMENTSOF(roles); i++) {
        if (!roles[i].wanted || roles[i].pid == 0)
            continue;
        int k = send_one(roles[i].pid, signo, code, value);
        if (k < 0 && r == 0)
            r = k;
        else if (k >= 0)
            killed++;
        done[n_done++] = roles[i].pid;
    }
    if (all && u->tracker) {
        int k = tracker_kill(u->tracker, signo, done, n_done);
        if (k > 0)
            killed += (unsigned) k;
        else if (k < 0 && k != -ESRCH && k != -ENOENT && r == 0)
            r = k;
    }
    if (r < 0)
        return op_error_set(e, r, "KillFailed", "Failed to send signal SIG%s: %s",
                            signal_name(signo), strerror(-r));
    if (killed == 0 &&
        (whom == KILL_ALL_FAIL || whom == KILL_MAIN_FAIL || whom == KILL_CONTROL_FAIL))
        return op_error_set(e, -ESRCH, "NoSuchProcess", "No matching processes to kill");
    return 0;
}

bool unit_can_freeze(const struct unit *u)
{
    return u->ops == &service_ops && u->manager->tracking_is_up &&
           u->manager->tracking.kind == TRACK_CGROUP;
}

static int set_frozen(struct unit *u, bool freeze, struct op_error *e)
{
    if (u->load_state != LOAD_LOADED || u->type != UNIT_SERVICE)
        return op_error_set(e, -EOPNOTSUPP, "NotSupported", "Unit '%s' does not support freezing.",
                            u->id);
    if (!u->tracker || unit_active_state(u) != ACTIVE_ACTIVE)
        return op_error_set(e, -EHOSTDOWN, "UnitInactive", "Unit is not active");
    int r = tracker_freeze(u->tracker, freeze);
    if (r < 0)
        return op_error_set(e, r, "NotSupported",
                            r == -EOPNOTSUPP ? "Freezing %s needs a writable cgroup v2 tree."
                                             : "Freezing %s failed.",
                            u->id);
    u->freezer = freeze ? FREEZER_FROZEN : FREEZER_RUNNING;
    unit_changed(u);
    return 0;
}

int unit_freeze(struct unit *u, struct op_error *e)
{
    return set_frozen(u, true, e);
}

int unit_thaw(struct unit *u, struct op_error *e)
{
    return set_frozen(u, false, e);
}

int unit_clean(struct unit *u, unsigned mask, struct op_error *e)
{
    unsigned can = 0;

    if (!u->ops->clean || !u->ops->can_clean || u->ops->can_clean(u, &can) < 0)
        return op_error_set(e, -EOPNOTSUPP, "NotSupported", "Unit '%s' does not support cleaning.",
                            u->id);
    if (u->load_state != LOAD_LOADED)
        return op_error_set(e, -EUNATCH, "NoSuchUnit", "Unit %s is not loaded.", u->id);
    if (u->job)
        return op_error_set(e, -EBUSY, "UnitBusy", "Unit '%s' has a job pending.", u->id);
    if (unit_active_state(u) != ACTIVE_INACTIVE)
        return op_error_set(e, -EBUSY, "UnitBusy", "Unit is not inactive or has pending job.");
    if (!(mask & can))
        return op_error_set(e, -EOPNOTSUPP, "NothingToClean", "No matching resources found.");
    int r = u->ops->clean(u, mask & can);
    if (r < 0)
        return op_error_set(e, r, "CleanFailed", "Cleaning %s failed: %s", u->id, strerror(-r));
    return 0;
}
