/* launch/track.h -- which processes belong to a unit.
 *
 * Where cgroup v2 is writable a unit has its cgroup (cgroup.h). Where it is not, each command of
 * the unit is started below a holder: a tiny subreaper that is the parent of the command and of
 * whatever the command leaves behind (holder.h). The manager does not care which: it asks the
 * tracker. Environment variables are hints, never an authority.
 *
 * One track_host for the manager; one tracker for a unit that has, or may have, processes. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "launch/cgroup.h"

enum track_kind {
    TRACK_CGROUP,
    TRACK_HOLDER,
    TRACK_KIND_MAX,
};

/* "cgroup", "holder": for status. */
const char *track_kind_name(enum track_kind kind);

struct tracker;

/* How a process that the manager cannot wait for itself has ended: the members of siginfo_t that
 * waitid(2) fills. */
struct track_exit {
    pid_t pid;
    int code;   /* CLD_EXITED, CLD_KILLED or CLD_DUMPED */
    int status; /* exit status, or the signal */
};

/* What the manager is told from track_dispatch(). Either may free any tracker. */
struct track_events {
    /* The last process of the unit is gone. Can come late and twice; ask tracker_is_empty(). */
    void (*empty)(struct tracker *t, void *userdata);
    /* A watched process (each command started, and those named by tracker_watch()) below a holder
     * has ended. It stays a zombie, /proc readable, until tracker_reap(), at most 2 s. Children of
     * the manager itself (TRACK_CGROUP) are waited for by the manager and never reported here. */
    void (*exited)(struct tracker *t, const struct track_exit *e, void *userdata);
};

struct track_host {
    enum track_kind kind;      /* which way is in force */
    struct cgroup_root cgroup; /* TRACK_CGROUP */
    char *holder_dir;          /* TRACK_HOLDER: the folder of the holders' sockets, or NULL */
    int epoll_fd;              /* readable when track_dispatch() has something to do */
    int inotify_fd;
    struct map *by_watch; /* inotify watch -> tracker */
    struct track_events events;
    void *userdata;
    unsigned serial; /* changes whenever a tracker or a holder goes */
};

/* Decides between the two ways: cgroups if cgroup_root_open() finds a writable tree and
 * `allow_cgroup`, else holders, whose sockets go to `runtime_dir`/holders (a folder of the
 * manager's own, "/run/reeve"). `why_not`, if not NULL, receives a new text that says why cgroups
 * are not used. Returns 0 or a negative errno. */
int track_host_init(struct track_host *h, const char *runtime_dir, bool allow_cgroup,
                    const struct track_events *events, void *userdata, char **why_not);
void track_host_done(struct track_host *h);

/* To be called when h->epoll_fd is readable. Never blocks. */
void track_dispatch(struct track_host *h);

/* A tracker for the unit. `slice` is the unit's slice ("system.slice", "-.slice" or NULL for the
 * root) and fixes the cgroup's path; `unit` NULL is for the slice itself. Nothing is made on disk
 * before tracker_realize(). */
int tracker_new(struct track_host *h, const char *unit, const char *slice, void *unit_userdata,
                struct tracker **ret);
/* Of a state that was handed over: its cgroup is this one, whatever the slice is by now. Before
 * tracker_realize(); nothing with holders. 0 or -ENOMEM. */
int tracker_place(struct tracker *t, const char *cgroup);
/* Forgets it: processes live on, the cgroup stays if it is not empty. NULL is allowed. */
void tracker_free(struct tracker *t);
void *tracker_unit(const struct tracker *t); /* unit_userdata */
enum track_kind tracker_kind(const struct tracker *t);

/* The cgroup as systemd's ControlGroup= shows it ("/system.slice/nginx.service"), "" with holders
 * or before tracker_realize(). The tracker's string. */
const char *tracker_cgroup(const struct tracker *t);
/* A descriptor of the cgroup's folder, -1 with holders. The tracker's. */
int tracker_cgroup_fd(const struct tracker *t);

/* Makes the cgroup with those of the slices above it and watches it. A no-op with holders.
 * Returns 1 if the cgroup is new, 0, or a negative errno. */
int tracker_realize(struct tracker *t);
/* Removes the cgroup (and its empty children), where it is empty. Returns 0 or a negative errno:
 * -EBUSY while processes are in it. */
int tracker_remove(struct tracker *t);

/* Whether pid is one of the unit's: 1, 0, or a negative errno. */
int tracker_contains(const struct tracker *t, pid_t pid);
/* All of the unit's processes, in no order; the array is the caller's (NULL if there are none).
 * The holders themselves are not among them. */
int tracker_pids(const struct tracker *t, pid_t **ret_pids, size_t *ret_n);
bool tracker_is_empty(const struct tracker *t);

/* Sends a signal to all of the unit's processes but those in `except` (n_except of them), once to
 * each, until no new one appears, as systemd does (systemd.kill(5), KillMode=). For SIGKILL of all
 * that goes on appearing cgroup.kill is used where the kernel has it. Returns how many were
 * signalled, or a negative errno; -EPERM of single processes does not stop the rest. */
int tracker_kill(const struct tracker *t, int signal, const pid_t *except, size_t n_except);

/* Freezes or thaws: cgroup.freeze. -EOPNOTSUPP with holders. Completion shows in cgroup.events. */
int tracker_freeze(struct tracker *t, bool freeze);

/* Below holders: also report the end of this process (a main process that is not the command
 * started: Type=forking, MAINPID=), if it is, or becomes, a child of one of the unit's holders. 0,
 * or -ESRCH where it does not descend from one (then a pidfd tells). A no-op with cgroups. */
int tracker_watch(struct tracker *t, pid_t pid);
/* Lets the zombie go that `exited` reported. A no-op where pid is not known. */
void tracker_reap(struct tracker *t, pid_t pid);
/* Whether pid ends are reported by `exited`, since a holder is its parent. */
bool tracker_waits_for(const struct tracker *t, pid_t pid);

/* State hand-over. The holders of a unit, by number from 0: 0, or -ENOENT past the last. The
 * descriptor is the tracker's. */
int tracker_holder(const struct tracker *t, size_t i, pid_t *ret_pid, int *ret_fd);
/* Takes a holder over from an earlier manager: a descriptor that survived re-exec (owned by the
 * tracker from then on, also on failure), */
int tracker_adopt(struct tracker *t, pid_t holder, int fd);
/* or, after the loss of the manager before this one, every holder that is found in the runtime
 * folder: `found` is called with the unit's name, and returns the tracker to adopt it, or NULL to
 * leave it alone. Returns how many were adopted or a negative errno. */
int track_host_find(struct track_host *h,
                    struct tracker *(*found)(const char *unit, pid_t holder, void *userdata),
                    void *userdata);
