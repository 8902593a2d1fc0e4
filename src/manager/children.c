#include "manager/children.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/log.h"
#include "event/event.h"
#include "journal/client.h"
#include "manager/collector.h"
#include "manager/generators.h"
#include "manager/private.h"

#define BARRIER_DEADLINE (100 * USEC_PER_MSEC)

static void reap_one(pid_t pid)
{
    siginfo_t si;

    while (waitid(P_PID, (id_t) pid, &si, WEXITED | WNOHANG) < 0 && errno == EINTR)
        ;
}

static void deliver(struct unit *u, pid_t pid, int code, int status, struct tracker *holder)
{
    if (u->ops->drain_notify)
        u->ops->drain_notify(u);
    if (u->ops->child_exited)
        u->ops->child_exited(u, pid, code, status);
    if (holder && u->tracker == holder)
        tracker_reap(holder, pid);
}

static void unlink_pending(struct pending_exit *p)
{
    for (struct pending_exit **at = &p->manager->pending_exits; *at; at = &(*at)->next)
        if (*at == p) {
            *at = p->next;
            return;
        }
}

static void pending_free(struct pending_exit *p)
{
    if (p->barrier)
        collector_barrier_cancel(p->barrier);
    event_source_free(p->timer);
    free(p);
}

/* All processes of the unit are gone, and it has been told of each. */
static void check_gone(struct unit *u)
{
    /* Without cgroup files the last process's exit and the emptiness come together: the exit is
     * told first. */
    for (const struct pending_exit *p = u->manager->pending_exits; p; p = p->next)
        if (p->unit == u)
            return;
    if (!u->tracker || !tracker_is_empty(u->tracker))
        return;
    if (u->ops->processes_gone)
        u->ops->processes_gone(u);
    /* The last of those that outlived their unit. */
    if (u->ops->has_processes && inactive_or_failed(unit_active_state(u))) {
        unit_give_cgroup_back(u);
        unit_changed(u);
        unit_queue_add(u, QUEUE_GC);
    }
}

static void pending_over(struct pending_exit *p)
{
    struct unit *u = p->unit;

    unlink_pending(p);
    deliver(u, p->pid, p->code, p->status, p->tracker);
    pending_free(p);
    check_gone(u);
    unit_unref(u);
}

static void on_barrier(int r, void *userdata)
{
    struct pending_exit *p = userdata;

    p->barrier = NULL;
    pending_over(p);
}

static void on_deadline(struct event_source *s, usec_t due, void *userdata)
{
    pending_over(userdata);
}

/* Whether the exit now waits for the collector. If it cannot, it is acted on at once. */
static bool wait_for_output(struct manager *m, struct unit *u, pid_t pid, int code, int status,
                            struct tracker *holder)
{
    if (!m->collector || !u->stream || !collector_client_ready(m->collector))
        return false;

    struct pending_exit *p = new0(struct pending_exit, 1);
    if (!p)
        return false;
    *p = (struct pending_exit){
        .manager = m, .unit = u, .pid = pid, .code = code, .status = status, .tracker = holder
    };
    if (event_add_time(m->loop, CLOCK_MONOTONIC,
                       usec_add(now_usec(CLOCK_MONOTONIC), BARRIER_DEADLINE), on_deadline, p,
                       &p->timer) < 0 ||
        collector_barrier_new(m->collector, u->id, on_barrier, p, &p->barrier) < 0) {
        pending_free(p);
        return false;
    }
    unit_ref(u);
    p->next = m->pending_exits;
    m->pending_exits = p;
    return true;
}

/* The process is a zombie still. It is reaped before its unit is told, which may have to wait: a
 * zombie that stays would be all that waitid() ever shows. That its number is used again meanwhile
 * would take a wrap of the pids within the deadline. */
static void ended(struct manager *m, pid_t pid, int code, int status, struct tracker *holder)
{
    struct unit *u = map_remove_u64(&m->pids, (uint64_t) pid);

    if (u && u->ops->drain_notify)
        u->ops->drain_notify(u);
    if (u && u->ops->child_ended)
        u->ops->child_ended(u, pid);
    if (!holder)
        reap_one(pid);
    if (u && !wait_for_output(m, u, pid, code, status, holder))
        deliver(u, pid, code, status, holder);
    else if (!u && holder)
        tracker_reap(holder, pid);
}

void manager_reap(struct manager *m)
{
    for (;;) {
        siginfo_t si = { 0 };

        if (waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) < 0) {
            if (errno == EINTR)
                continue;
            return;
        }
        if (si.si_pid == 0)
            return;
        if (collector_exited(m, si.si_pid, si.si_code, si.si_status) ||
            generators_exited(m, si.si_pid, si.si_code, si.si_status) ||
            reexec_exited(m, si.si_pid, si.si_code, si.si_status))
            reap_one(si.si_pid);
        else
            ended(m, si.si_pid, si.si_code, si.si_status, NULL);
    }
}

/* ---- processes of a manager that was killed: nobody's children that we could wait for ---- */

static void alien_ended(struct manager *m, pid_t pid)
{
    struct unit *u = map_get_u64(&m->pids, (uint64_t) pid);

    if (!u)
        return;
    unit_log_text(u, LOG_NOTICE, "Process %d has ended; how, only its new parent knows.",
                  (int) pid);
    ended(m, pid, CLD_EXITED, 0, NULL);
}

static void on_alien(struct event_source *s, const siginfo_t *si, void *userdata)
{
    alien_ended(userdata, si->si_pid);
}

void manager_watch_aliens(struct manager *m)
{
    size_t position = 0, n = 0;
    auto_free pid_t *gone = new0(pid_t, m->pids.n + 1);
    struct unit *u;
    uint64_t pid;

    while ((u = map_next(&m->pids, &position, &pid))) {
        if (u->tracker && tracker_waits_for(u->tracker, (pid_t) pid))
            continue;
        int r = event_add_child(m->loop, (pid_t) pid, on_alien, m, NULL);
        if (r == -ESRCH && gone)
            gone[n++] = (pid_t) pid;
        else if (r < 0)
            unit_log_text(u, LOG_WARNING, "The end of process %d will not be noticed: %s",
                          (int) pid, strerror(-r));
    }
    for (size_t i = 0; i < n; i++)
        alien_ended(m, gone[i]);
}

static void on_child(struct event_source *s, const struct signalfd_siginfo *si, void *userdata)
{
    manager_reap(userdata);
}

int manager_watch_children(struct manager *m)
{
    return event_add_signal(m->loop, SIGCHLD, on_child, m, &m->signal_child);
}

void manager_tracked_exit(struct tracker *t, const struct track_exit *e, void *userdata)
{
    ended(userdata, e->pid, e->code, e->status, t);
}

void manager_tracked_empty(struct tracker *t, void *userdata)
{
    check_gone(tracker_unit(t));
}

void manager_drop_pending_exits(struct manager *m)
{
    while (m->pending_exits) {
        struct pending_exit *p = m->pending_exits;

        m->pending_exits = p->next;
        pending_free(p);
    }
}
