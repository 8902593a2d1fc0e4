/* manager/private.h -- the manager's own struct, for the files of this module that do its work.
 * Unit types use unit.h only. */
#pragma once

#include <string.h>

#include "base/rate_limit.h"
#include "launch/spawn.h"
#include "launch/track.h"
#include "manager/manager.h"
#include "manager/unit.h"

struct unit_loader;
struct unit_presets;
struct manager_config;

/* A queue of units, a ring. A unit is at most once in it: a bit of struct unit
 * says so. Taking from the front is O(1). Once `reserved` covers all units pushing cannot fail. */
struct unit_queue {
    struct unit **units;
    size_t begin, n, allocated;
};

/* What units are queued for. Each has its bit in unit->queued. */
enum queue {
    QUEUE_LOAD,          /* to be read */
    QUEUE_TARGET_ORDER,  /* to be ordered before the targets that pull it in */
    QUEUE_STOP_UNNEEDED, /* maybe not needed any more */
    QUEUE_START_UPHELD,  /* maybe to be started for Upholds= */
    QUEUE_STOP_BOUND,    /* maybe to be stopped for BindsTo= */
    QUEUE_GC,            /* maybe to be forgotten */
    QUEUE_CHANGED,       /* watchers are to be told */
    QUEUE_SAVE,          /* to be written to the checkpoint */
    QUEUE_MAX,
};

struct manager_watch {
    struct manager *manager;
    struct manager_watch *next;
    manager_watch_fn fn;
    void *userdata;
    bool dead; /* freed while being called */
};

/* An exit that waits for the collector's barrier before it is acted on. */
struct pending_exit {
    struct pending_exit *next;
    struct manager *manager;
    struct unit *unit; /* referred to */
    struct collector_barrier *barrier;
    struct event_source *timer;
    pid_t pid;
    int code, status;
    struct tracker *tracker; /* the holder that reported it, and reaps it; NULL: our own child */
};

/* When the manager has done what, once. */
enum manager_time {
    TIME_GENERATORS_START,
    TIME_GENERATORS_FINISH,
    TIME_UNITS_LOAD_START, /* at boot */
    TIME_UNITS_LOAD_FINISH,
    TIME_UNITS_LOAD, /* the last daemon-reload */
    MANAGER_TIME_MAX
};

struct manager {
    struct event_loop *loop;
    struct manager_options options;
    enum manager_role role;
    bool user;
    char *root, *runtime_dir, *socket_dir;
    char **unit_dirs;
    char *exit_when, *console;
    char **warnings;
    char **boot_units;  /* what is started first; NULL: default.target */
    char **owned_paths; /* strings that `spawn` points to */

    struct unit_loader *loader;
    struct unit_presets *presets;
    struct manager_config *config;
    char **environment;
    struct spawn_manager spawn;
    struct track_host tracking;
    bool tracking_is_up;
    struct event_source *tracking_source;
    struct collector_client *collector;
    pid_t collector_pid;
    struct event_source *collector_timer;
    unsigned collector_restarts;
    bool collector_stopping;
    char *journal_dir; /* where the collector binds its sockets; NULL: its own choice */
    usec_t collector_started;

    struct map units;       /* by name, aliases too */
    struct map jobs;        /* by id */
    struct map pids;        /* pid -> unit */
    struct map invocations; /* invocation_key() -> unit */
    struct map forgotten;   /* by name: forgotten.h */
    struct forgotten *forgotten_oldest, *forgotten_newest;
    struct unit_queue queues[QUEUE_MAX];
    struct job *run_queue, *run_queue_tail;
    struct event_source *work;  /* deferred: all queues are worked off */
    struct event_source *quiet; /* a while after much has happened */
    unsigned n_changes;         /* of units, since then */
    unsigned quiet_calls;       /* event_loop_calls() when it was looked at */
    struct manager_watch *watches;
    unsigned watch_depth;

    uint32_t next_job_id;
    uint32_t gc_marker;
    uint32_t n_units, n_failed, n_jobs, n_running_jobs, n_failed_jobs, n_installed_jobs;
    struct pending_exit *pending_exits;
    struct event_source *signal_child;

    enum manager_objective objective, shutdown_objective;
    int exit_code;
    bool exit_code_set;
    bool freeing, reloading, deserializing, startup_finished, shutting_down, test;
    bool boot_due;      /* an earlier manager crashed before its boot had any job */
    unsigned in_notify; /* depth of unit_notify_state() */
    struct dual_time start, userspace_done, shutdown_begin;
    struct dual_time times[MANAGER_TIME_MAX];
    unsigned n_reloads;
    struct rate_limit reload_limit; /* of daemon-reload and daemon-reexec together */
    struct event_source *stop_timer;
    void (*reload_done)(int r, void *userdata);
    void *reload_userdata;
    struct generator_run *generators;
    struct last_words *last_words;
    struct checkpoint *checkpoint;
    pid_t reexec_check; /* the trial run of daemon-reexec; 0 */
    void (*reexec_failed)(int r, void *userdata);
    void *reexec_userdata;
    int console_fd, mountinfo_fd, timezone_fd;
    int own_cgroup;                       /* the folder, opened when it is asked for; -1 */
    struct event_source *timezone_source; /* once there is a timer; NULL */
    usec_t timezone_time;                 /* of the link /etc/localtime */
    struct event_source *mountinfo_source;
    bool startup; /* before the first job */
    bool lost;    /* taking over without descriptors, from a manager that was killed */
    bool first_boot;
};

/* If that was the trial run of daemon-reexec: goes on, and returns true. */
bool reexec_exited(struct manager *m, pid_t pid, int code, int status);
/* A loader for the manager's search path and presets, with a fresh index. */
int manager_make_loader(struct manager *m, struct unit_loader **ret);

/* ---- queues (queue.c) ---- */

/* Adds the unit, if it is not in it. */
void unit_queue_add(struct unit *u, enum queue q);
struct unit *unit_queue_take(struct manager *m, enum queue q);
/* Takes the unit out wherever it is (it is about to be freed). */
void unit_queue_remove_all(struct unit *u);
void unit_queue_done(struct unit_queue *q);
/* Makes room for one more unit in all queues, so that unit_queue_add() cannot fail. */
int unit_queue_reserve(struct manager *m);
/* Makes sure that the loop comes round to the queues. */
void manager_work_pending(struct manager *m);

/* ---- units (unit.c, load.c, gc.c) ---- */

int unit_new(struct manager *m, const char *name, struct unit **ret);
/* Drops it from everything. It must have no job, and not be referred to. */
void unit_free(struct unit *u);
int unit_add_name(struct unit *u, const char *name);
/* Merges other, a unit that was loaded by what is an alias of u, into u. */
int unit_merge(struct unit *u, struct unit *other);
/* The unit of that name, made as a stub and queued for loading if there is none. */
int manager_stub(struct manager *m, const char *name, struct unit **ret);
void manager_dispatch_load_queue(struct manager *m);
void manager_dispatch_gc_queue(struct manager *m);
/* Frees u->config's dependencies and reads it again (reload). */
int unit_read(struct unit *u);
/* The same when the queue is worked off. */
int unit_reread(struct unit *u);
/* Adds what the config says and what is implied. */
int unit_build(struct unit *u);
void unit_forget_mounts_for(struct unit *u);
/* The warnings and errors of reading its files, one line each; *ret NULL: none. 0 or -ENOMEM. */
int unit_load_messages(const struct unit *u, char ***ret);
int unit_add_default_target_order(struct unit *u, struct unit *target);
/* 0 if loaded, else the error of asking something of such a unit. */
int unit_check_load_state(const struct unit *u, struct op_error *e);

/* The key of an invocation id in m->invocations: its first half, which is random. */
static inline uint64_t invocation_key(struct id128 id)
{
    uint64_t key;

    memcpy(&key, id.bytes, sizeof key);
    return key;
}

/* ---- jobs (job.c, job-type.c) ---- */

struct job *job_new(struct unit *u, enum job_type type);
void job_free(struct job *j);
/* Installs it, or merges it into the unit's job. Returns the job that stands for it now. */
struct job *job_install(struct job *j);
void job_uninstall(struct job *j);
void job_start_timer(struct job *j, bool running);
void job_run(struct job *j);
int job_compare(const struct job *a, const struct job *b, bool b_is_after);
/* The state of the job's unit has changed to ns. Returns whether the change was unexpected. */
bool job_process_state(struct job *j, enum active_state ns, bool reload_failed);
void manager_dispatch_run_queue(struct manager *m);
void manager_check_finished(struct manager *m);

/* The tables. Both types below JOB_NOP. */
bool job_types_mergeable(enum job_type a, enum job_type b);
/* The one that stands for both; -EEXIST if there is none. */
int job_type_merge(enum job_type a, enum job_type b, enum job_type *ret);
/* Merges, then collapses RELOAD_OR_START and the like for a unit in that state. */
int job_type_merge_and_collapse(enum job_type *a, enum job_type b, enum active_state s);
enum job_type job_type_collapse(enum job_type t, enum active_state s);
/* Whether a job of type t has nothing to do for a unit in that state. */
bool job_type_is_redundant(enum job_type t, enum active_state s);
/* Whether doing a does what b asks for. */
bool job_type_is_superset(enum job_type a, enum job_type b);
bool unit_job_is_applicable(const struct unit *u, enum job_type t);

/* ---- starting and stopping (start.c, state.c, action.c) ---- */

int unit_start(struct unit *u);
int unit_stop(struct unit *u);
int unit_reload(struct unit *u);
void unit_start_on_termination(struct unit *u, uint32_t atom);
void manager_dispatch_stop_unneeded(struct manager *m);
void manager_dispatch_start_upheld(struct manager *m);
/* Has it looked at whether it is to go, or to be there, for the sake of others. */
void unit_queue_checks(struct unit *u);
void manager_dispatch_stop_bound(struct manager *m);
/* Does what an action directive says; `why` is for the log. `status` -1: none. */
void manager_action(struct manager *m, enum emergency_action action, int status, const char *why);
void unit_message_job_begin(struct unit *u, enum job_type t);
void unit_message_job_end(struct unit *u, struct job *j, enum job_type t, enum job_result r);

/* u->stream came over from an earlier process. */
void unit_adopt_stream(struct unit *u);
/* Gives up the cgroup, if it is empty; what was used in it is not looked at. */
void unit_drop_cgroup(struct unit *u);
/* The unit's invocation is over: what belongs to it is let go (process.c). */
void unit_ended(struct unit *u);
/* Counts it among the failed ones, or not any more. */
void unit_count_state(struct unit *u);
/* --exit-when, essential units, the end of a shutdown (shutdown.c). */
void manager_unit_ended(struct manager *m, struct unit *u, enum active_state old,
                        enum active_state ns);

/* ---- watchers (watch.c) ---- */

void manager_tell(struct manager *m, enum manager_event ev, struct unit *u, struct job *j);
unsigned manager_dispatch_changed(struct manager *m);
/* What has changed gets to the checkpoint now, before the turn is over. */
void manager_save_changed(struct manager *m);

extern const struct unit_ops target_ops, slice_ops, mount_ops, device_ops, inert_ops, timer_ops,
    path_ops, socket_ops;

/* ---- timezone.c ---- */

/* From now on units are told when the time zone changes. 0 or a negative errno. */
int manager_watch_timezone(struct manager *m);
void manager_unwatch_timezone(struct manager *m);
