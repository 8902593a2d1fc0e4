/* manager/job.h -- what a unit is asked to become.
 *
 * A unit has at most one job, installed by a transaction (transaction.h) that has checked it
 * against all others; a second request is merged into it or replaces it. A job waits until the jobs
 * it is ordered after are gone, runs by calling the unit's start, stop or reload, and ends when the
 * unit reports its new state, or by its deadline. Source: systemctl(1), systemd.unit(5), and the
 * results that org.freedesktop.systemd1(5), JobRemoved, lists. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "unit/enums.h"

struct manager;
struct unit;
struct event_source;

enum job_type {
    JOB_START,
    JOB_VERIFY_ACTIVE,
    JOB_STOP,
    JOB_RELOAD,
    JOB_RESTART,
    JOB_NOP,             /* from here on: collapsed to one of the above before it is installed */
    JOB_TRY_RESTART,     /* restart if active, else nothing */
    JOB_TRY_RELOAD,      /* reload if active, else nothing */
    JOB_RELOAD_OR_START, /* reload if active, else start */
    JOB_TYPE_MAX,
};

enum job_state { JOB_WAITING, JOB_RUNNING, JOB_STATE_MAX };

enum job_result {
    JOB_DONE,
    JOB_CANCELED,
    JOB_TIMEOUT,
    JOB_FAILED,
    JOB_DEPENDENCY,
    JOB_SKIPPED, /* the unit says that there is nothing to do (conditions) */
    JOB_INVALID, /* reload of a unit that is not active */
    JOB_ASSERT,
    JOB_UNSUPPORTED, /* this machine or this version cannot run such a unit */
    JOB_COLLECTED,   /* the unit was forgotten */
    JOB_ONCE,        /* RefuseManual-like: was started once already, and may be only once */
    JOB_FROZEN,
    JOB_CONCURRENCY, /* ConcurrencyHardMax= of the slice */
    JOB_RESULT_MAX,
};

/* Names as systemctl and D-Bus spell them ("try-restart", "canceled"); the modes' are
 * job_mode_to_string() and job_mode_from_string(). job_type_from_name() gives -EINVAL. */
const char *job_type_name(enum job_type t);
const char *job_state_name(enum job_state s);
const char *job_result_name(enum job_result r);
int job_type_from_name(const char *name);

/* Who waits for a job's end (a client's `start`). Unhooked by job_watch_done(); the callback is
 * called once, and the job is gone afterwards. `unit` outlives the callback. */
struct job_watch {
    struct job_watch *next;
    struct job *job;
    void (*callback)(struct job_watch *w, uint32_t id, struct unit *unit, enum job_result result);
    void *userdata;
};

struct job {
    struct manager *manager;
    struct unit *unit;
    struct job *run_next; /* in the run queue */
    struct event_source *timer;
    struct job_watch *watches;
    struct dual_time begin, begin_running;
    uint32_t id;
    enum job_type type;
    enum job_state state;
    enum job_result result; /* of a finished stop half of a restart */
    bool installed : 1;
    bool in_run_queue : 1;
    bool irreversible : 1;
    bool ignore_order : 1;
    bool reloaded : 1; /* a start that was merged with a reload */
    bool refuse_late_merge : 1;
    bool begun : 1; /* and it was said */
};

/* NULL if there is none. */
struct job *job_by_id(struct manager *m, uint32_t id);

/* The watch's memory is the caller's. It may be added to any installed job. */
void job_watch_add(struct job *j, struct job_watch *w);
/* Takes the watch off (no effect if it has been called). */
void job_watch_done(struct job_watch *w);

/* Ends the job: wakes what was ordered after it, tells its watches, applies OnFailureJobMode= and
 * the like for a failed start. `recursive`: jobs of units that depend on it fail with it.
 * `already`: the unit was in the wanted state, nothing is said. The job is freed. A stop half of a
 * restart goes on as start instead. Returns 1 in that case, else 0. */
int job_finish(struct job *j, enum job_result result, bool recursive, bool already);

/* systemctl cancel: ends it as canceled, and what depends on it. */
void job_cancel(struct job *j);

/* Queues the job to be looked at when the loop comes round. */
void job_add_to_run_queue(struct job *j);
/* Runs a job that runs already once more: its unit has to be started anew (RestartMode=direct). */
void job_requeue(struct job *j);
/* Whether something this job is ordered after is still in the way. */
bool job_is_runnable(struct job *j);
/* When the job's deadline is, USEC_INFINITY if it has none (CLOCK_MONOTONIC). */
usec_t job_deadline(const struct job *j);
