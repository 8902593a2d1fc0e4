/* daemon-reload: unit files are read anew, state is kept. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "event/event.h"
#include "manager/config.h"
#include "manager/generators.h"
#include "manager/handover.h"
#include "manager/mount.h"
#include "manager/private.h"
#include "unit/config.h"
#include "unit/load.h"

/* All edges at once: taking them out one by one would search the long lists of the targets. Each is
 * collected at its first end, and freed when nobody looks at it any more. */
static void drop_all_edges(struct manager *m)
{
    struct unit *u;

    MANAGER_FOREACH_UNIT(u, m)
    {
        uint32_t kept = 0;

        for (uint32_t i = 0; i < u->dependencies.n; i++)
            if (u->dependencies.edges[i]->end[0] == u)
                u->dependencies.edges[kept++] = u->dependencies.edges[i];
        u->dependencies.n = kept;
    }
    MANAGER_FOREACH_UNIT(u, m)
    {
        for (uint32_t i = 0; i < u->dependencies.n; i++)
            edge_free(u->dependencies.edges[i]);
        u->dependencies.n = 0;
    }
}

static void forget_aliases(struct unit *u)
{
    STRV_FOREACH (alias, u->aliases)
        if (map_get(&u->manager->units, *alias) == u)
            map_remove(&u->manager->units, *alias);
    strv_free(u->aliases);
    u->aliases = NULL;
}

static void read_all(struct manager *m)
{
    struct unit *u;

    MANAGER_FOREACH_UNIT(u, m)
    {
        forget_aliases(u);
        u->old_config = take_ptr(u->config);
        u->load_state = LOAD_STUB;
        u->slice = NULL;
        unit_queue_add(u, QUEUE_LOAD);
    }
    manager_dispatch_load_queue(m);
    MANAGER_FOREACH_UNIT(u, m)
    {
        /* Where memory ran out the old settings are better than none. */
        if (!u->config && u->old_config) {
            u->config = take_ptr(u->old_config);
            u->load_state = u->config->load_state;
            (void) unit_build(u);
        }
        if (u->ops->reloaded && u->config)
            u->ops->reloaded(u);
        unit_apply_resources(u);
        u->old_config = unit_config_free(u->old_config);
        unit_queue_add(u, QUEUE_GC);
        unit_changed(u);
        if (u->job)
            job_add_to_run_queue(u->job);
    }
}

static void generators_done(struct manager *m)
{
    void (*done)(int r, void *userdata) = m->reload_done;
    void *userdata = m->reload_userdata;
    struct unit_loader *fresh = NULL;

    int r = manager_read_config(m);
    if (r >= 0)
        r = manager_make_loader(m, &fresh);
    if (r >= 0) {
        unit_loader_free(m->loader);
        m->loader = fresh;
        drop_all_edges(m);
        read_all(m);
        m->n_reloads++;
        m->times[TIME_UNITS_LOAD] = dual_now();
        log_info("Reloaded %u units.", m->n_units);
    } else
        log_error("Reload failed, the units stay as they are: %s", strerror(-r));
    m->reloading = false;
    manager_tell(m, EVENT_RELOADED, NULL, NULL);
    m->reload_done = NULL;
    if (done)
        done(r, userdata);
}

int manager_check_reload_limit(struct manager *m, const char *method, struct op_error *e)
{
    if (rate_limit_below(&m->reload_limit, now_usec(CLOCK_MONOTONIC)))
        return 0;
    log_warning("%s() request rejected due to rate limit.", method);
    return op_error_set(e, -EBUSY, "LimitsExceeded", "%s() request rejected due to rate limit.",
                        method);
}

int manager_reload(struct manager *m, void (*done)(int r, void *userdata), void *userdata)
{
    if (m->reloading)
        return -EBUSY;
    m->reloading = true;
    m->reload_done = done;
    m->reload_userdata = userdata;
    log_info("Reloading...");
    manager_tell(m, EVENT_RELOADING, NULL, NULL);
    int r = generators_run(m, generators_done);
    if (r < 0) {
        log_error("Reload failed, the units stay as they are: %s", strerror(-r));
        m->reloading = false;
        m->reload_done = NULL;
        manager_tell(m, EVENT_RELOADED, NULL, NULL);
    }
    return r;
}

/* ---- daemon-reexec ---- */

/* The program on disk, which may be a new one, has to understand the state before it gets it. */
_noreturn_ static void try_new_program(int state_fd)
{
    auto_free char *option = format("--check-state=%d", state_fd);

    (void) fd_cloexec(state_fd, false);
    if (option)
        execl(manager_program(), "reeve", "init", option, NULL);
    _exit(203);
}

int manager_reexec(struct manager *m, void (*failed)(int r, void *userdata), void *userdata,
                   struct op_error *e)
{
    auto_close int fd = -1;

    if (m->reexec_check)
        return op_error_set(e, -EBUSY, "Busy", "daemon-reexec is under way.");
    int r = manager_save(m, &fd);
    if (r < 0)
        return op_error_set(e, r, "ReexecFailed", "Cannot save the state: %s", strerror(-r));
    pid_t pid = fork();
    if (pid < 0)
        return op_error_set(e, -errno, "ReexecFailed", "Cannot fork: %s", strerror(errno));
    if (pid == 0)
        try_new_program(fd);
    m->reexec_check = pid;
    m->reexec_failed = failed;
    m->reexec_userdata = userdata;
    return 0;
}

void manager_reexec_failed(struct manager *m, int r)
{
    void (*failed)(int r, void *userdata) = m->reexec_failed;

    m->reexec_failed = NULL;
    if (failed)
        failed(r, m->reexec_userdata);
}

bool reexec_exited(struct manager *m, pid_t pid, int code, int status)
{
    if (pid != m->reexec_check || pid == 0)
        return false;
    m->reexec_check = 0;
    if (code == CLD_EXITED && status == 0) {
        manager_set_objective(m, OBJECTIVE_REEXEC);
        return true;
    }
    log_error("daemon-reexec: the program cannot read this manager's state; going on as it is");
    manager_reexec_failed(m, -EPROTO);
    return true;
}
