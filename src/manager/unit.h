/* manager/unit.h -- a loaded unit, and what each unit type has to provide.
 *
 * A unit type is a struct that begins with `struct unit`, and one struct unit_ops. The manager
 * calls the ops; the type calls the unit_*() functions below, above all unit_notify_state()
 * whenever its state has changed: jobs end, dependants are pulled, and the units that wait go on by
 * that call alone. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/id128.h"
#include "base/time.h"
#include "launch/bpf.h"
#include "manager/dependency.h"
#include "manager/job.h"
#include "manager/manager.h"
#include "unit/enums.h"

struct collector_stream;
struct unit_config;
struct tracker;
struct spawn_request;
struct spawn_runtime;
struct spawn_report;
struct state_reader;
struct state_writer;

enum active_state {
    ACTIVE_ACTIVE,
    ACTIVE_RELOADING,
    ACTIVE_INACTIVE,
    ACTIVE_FAILED,
    ACTIVE_ACTIVATING,
    ACTIVE_DEACTIVATING,
    ACTIVE_MAINTENANCE, /* a clean is running */
    ACTIVE_REFRESHING,
    ACTIVE_STATE_MAX,
};

const char *active_state_name(enum active_state s);

/* active, reloading, refreshing */
static inline bool active_or_reloading(enum active_state s)
{
    return s == ACTIVE_ACTIVE || s == ACTIVE_RELOADING || s == ACTIVE_REFRESHING;
}
static inline bool active_or_activating(enum active_state s)
{
    return active_or_reloading(s) || s == ACTIVE_ACTIVATING;
}
static inline bool inactive_or_failed(enum active_state s)
{
    return s == ACTIVE_INACTIVE || s == ACTIVE_FAILED || s == ACTIVE_MAINTENANCE;
}
static inline bool inactive_or_deactivating(enum active_state s)
{
    return inactive_or_failed(s) || s == ACTIVE_DEACTIVATING;
}

enum freezer_state {
    FREEZER_RUNNING,
    FREEZER_FREEZING,
    FREEZER_FROZEN,
    FREEZER_THAWING,
    FREEZER_STATE_MAX,
};

/* What is kept of an invocation that has ended (at most UNIT_RECORDS_MAX a unit, newest first, and
 * the first failing one of a restart series besides). Made by the type, unit_add_record(). */
struct record_texts {
    char *object;         /* the path or name that the step choked on; NULL */
    char *directive;      /* the setting that asked for it; NULL */
    char *status_text;    /* the last STATUS=; NULL */
    char **notifications; /* the last messages, refused ones too, with who sent them; NULL */
};

struct invocation_record {
    struct invocation_record *next;
    struct id128 id;
    struct dual_time started, ended;
    const char *result;  /* "exit-code" ...: a static string */
    const char *command; /* "ExecStartPre" ...: the command that decided the result; static */
    pid_t main_pid;      /* 0: none ever ran */
    int notify_errno;    /* ERRNO= */
    uint16_t command_index;
    int16_t error;          /* of the set-up step that failed, negative errno */
    uint8_t exec_status;    /* that step (launch/exec_status.h), 0: none */
    uint8_t exit_status;    /* or the signal */
    unsigned exit_code : 4; /* CLD_EXITED ..., 0: none */
    bool failed : 1;
    bool first_failure : 1;     /* of a restart series */
    struct record_texts *texts; /* NULL: it has none */
};
#define UNIT_RECORDS_MAX 3

/* Results of the unit's conditions or assertions as they were last tried: a copy of the text of the
 * one that failed is kept for status ("ConditionPathExists=/x was not met"). */
enum tried { TRIED_NOT, TRIED_FALSE, TRIED_TRUE };

/* What few units have, allocated for those: unit_rare(). */
struct unit_rare {
    struct ip_traffic traffic[TRAFFIC_MAX]; /* of its last cgroup */
    uid_t uid; /* of User= and Group=, from the launch report until it is at rest; -1 */
    gid_t gid;
    char **requires_mounts_for, **wants_mounts_for; /* implied ones as well */
    char **activation; /* what set it off, for its commands: "TRIGGER_UNIT=..."; NULL */
    char **degraded;   /* settings that are not in force ("MemoryMax=: ..."); NULL */
    /* Jobs that nobody has asked for: their limit, and what waits for its end. */
    usec_t automatic_begin;
    unsigned automatic_n;
    struct event_source *automatic_again;
};

struct unit {
    struct manager *manager;
    const struct unit_ops *ops;
    char *id;
    char **aliases;             /* other names, sorted; NULL if none */
    struct unit_config *config; /* NULL until loaded, and for units that could not be */
    struct unit *merged_into;
    char *load_error;               /* for people; NULL */
    const char *load_error_name;    /* the bus error's last part: "NoSuchUnit", "BadUnitSetting" */
    struct unit_config *old_config; /* private: while daemon-reload goes on */
    struct job *job, *nop_job;
    struct edge_list dependencies;
    struct unit *slice;      /* NULL for -.slice and units without */
    struct tracker *tracker; /* made on demand by unit_tracker(); NULL */
    struct invocation_record *records;
    struct collector_stream *stream; /* of the current invocation's output; NULL */
    int *stdio; /* three descriptors in place of StandardInput= and so on (transient.h); NULL */
    char *condition_failed, *assert_failed; /* "ConditionPathExists=/x"; NULL */

    struct dual_time inactive_exit, active_enter, active_exit, inactive_enter;
    struct dual_time state_change, condition_time, assert_time;
    struct id128 invocation;
    usec_t start_limit_begin;
    unsigned start_limit_n;
    int stream_fd; /* the service's end of `stream`, -1 */

    struct unit_rare *rare;          /* NULL: nothing of it */
    uint64_t cpu_usage, memory_peak; /* of its last cgroup, UINT64_MAX: not known */

    uint32_t ref_count;                      /* unit_ref() */
    uint32_t gc_marker;                      /* private: of the collector of garbage */
    void *scratch;                           /* private: of a transaction that is being built */
    uint8_t type;                            /* enum unit_type */
    uint8_t load_state;                      /* enum load_state */
    uint8_t freezer;                         /* enum freezer_state */
    uint8_t condition_result, assert_result; /* enum tried */
    uint8_t queued;                          /* private: bits of enum queue */
    bool in_failed_set : 1;
    bool perpetual : 1; /* cannot be stopped: -.slice, init.scope, -.mount */
    bool transient : 1;
    bool start_limit_hit : 1;
    bool coldplugged : 1;
    bool was_started : 1; /* RefuseManual..., `once` */
    bool killed_at_end : 1;
    bool no_memory : 1; /* reading it failed for want of memory: it is read again when asked for */
    bool not_yet_run : 1; /* a type that this version loads but does not run */
};

/* Who and how much of `kill`: systemctl(1), --kill-whom=. */
enum kill_whom {
    KILL_ALL,
    KILL_MAIN,
    KILL_CONTROL,
    KILL_ALL_FAIL,
    KILL_MAIN_FAIL,
    KILL_CONTROL_FAIL,
    KILL_WHOM_MAX
};

/* What `clean` removes, as spawn.h's SPAWN_CLEAN_* bits. */

struct unit_ops {
    /* sizeof of the type's struct, whose first member is `struct unit`. */
    size_t object_size;

    bool can_transient : 1;
    bool has_processes : 1; /* has exec, kill and cgroup sections: gets a tracker and stream */
    bool starts_once : 1;

    /* Once after allocation (zeroed, `struct unit` set up), before loading. NULL: nothing. */
    void (*init)(struct unit *u);
    /* Frees what the type holds; `struct unit` is freed by the manager. NULL: nothing. */
    void (*done)(struct unit *u);

    /* u->config was read. Adds the type's own implicit and default dependencies and checks the
     * settings. Returns 0; -ENOEXEC for settings with which the unit cannot run (unit_load_fault()
     * has said why): bad-setting; another negative errno: error. */
    int (*load)(struct unit *u);
    /* After state was restored, or at the first load in a running manager: take up what exists
     * (mounts). */
    int (*coldplug)(struct unit *u);
    /* daemon-reload gave the unit a new config (u->config): what follows from it is brought up to
     * date. State stays. */
    void (*reloaded)(struct unit *u);

    /* Called by a job that runs. 0: under way or done (unit_notify_state() tells); -EALREADY: it is
     * in that state, nothing to do; -EAGAIN: cannot be done now, the job waits for the next state
     * change; -ECOMM: condition not met, skipped; -EBADR: not active (reload): invalid; -ENOEXEC:
     * bad settings; -EPROTO: assertion failed; -EOPNOTSUPP: not supported; -ECANCELED: start limit;
     * other: failed. unit_start() has checked conditions and limits before it calls. */
    int (*start)(struct unit *u);
    int (*stop)(struct unit *u);
    int (*reload)(struct unit *u);
    bool (*can_reload)(const struct unit *u);
    /* Whether a start is possible at all now; before conditions. May count against StartLimit*.
     * 1 yes, negative errno as start() gives them. NULL: always. */
    int (*can_start)(struct unit *u);
    /* A skipped start (conditions): what a type does then. NULL: nothing. */
    void (*start_skipped)(struct unit *u);

    enum active_state (*active_state)(const struct unit *u);
    const char *(*sub_state)(const struct unit *u);
    /* The service waits for its restart (auto-restart): its start job is not over for dependants.
     */
    bool (*will_restart)(const struct unit *u);

    /* A process that unit_watch_pid() named has ended. Its notify messages were drained while it
     * was a zombie, its output is with the collector. It may have been reaped by now. */
    void (*child_exited)(struct unit *u, pid_t pid, int code, int status);
    /* Takes in, without blocking, what has come for this unit on its notify socket; at most a few
     * hundred messages. Called before child_exited. NULL: none. */
    void (*drain_notify)(struct unit *u);
    /* One of its processes was waited for; child_exited follows once its output is in. */
    void (*child_ended)(struct unit *u, pid_t pid);
    /* The last tracked process is gone; may come twice. */
    void (*processes_gone)(struct unit *u);

    /* Of a trigger (socket, timer, path): the state of the unit that it sets off has changed. */
    void (*triggered_changed)(struct unit *u, struct unit *triggered);

    /* The machine has another time zone. */
    void (*timezone_changed)(struct unit *u);

    /* The unit's processes by role, 0: none. */
    pid_t (*main_pid)(const struct unit *u);
    pid_t (*control_pid)(const struct unit *u);
    bool (*needs_console)(const struct unit *u);

    /* systemctl kill, after checks; NULL: the manager signals main, control and tracked processes.
     */
    int (*kill)(struct unit *u, enum kill_whom whom, int signo, int code, int value,
                struct op_error *e);
    void (*reset_failed)(struct unit *u);
    /* `mask` of SPAWN_CLEAN_*. can_clean writes what could be cleaned. */
    int (*clean)(struct unit *u, unsigned mask);
    int (*can_clean)(const struct unit *u, unsigned *ret_mask);

    /* When the unit will, by itself, be in another state (timeouts), CLOCK_MONOTONIC. */
    usec_t (*timeout)(const struct unit *u);
    /* Exit status of the main process for --exit-when and *ActionExitStatus=: 0..255, -ENODATA,
     * -EBADE (ended by a signal or still runs). */
    int (*exit_status)(const struct unit *u);
    const char *(*status_text)(const struct unit *u);
    const char *(*result)(const struct unit *u); /* Result=; static string; NULL op: "success" */

    /* State hand-over: writes rows with state_write_x() (state.h); reads one back. A row that is
     * not known is ignored, one that does not parse gives -EINVAL and is logged. */
    int (*save)(const struct unit *u, struct state_writer *w);
    int (*restore)(struct unit *u, const char *key, const char *value, struct state_reader *r);

    /* Whether a start that ended well is "Finished" and not "Started" (Type=oneshot). */
    bool (*starts_finish)(const struct unit *u);
    /* Whether something of the unit (kept descriptors) forbids to forget it. */
    bool (*keeps)(const struct unit *u);

    const struct property_row *properties; /* ends with a NULL name; NULL: none */
};

extern const struct unit_ops *const unit_ops_table[]; /* by enum unit_type */
extern const struct unit_ops service_ops;             /* service.c */

/* ---- state ---- */

enum active_state unit_active_state(const struct unit *u);
const char *unit_sub_state(const struct unit *u);
/* The unit itself, or the one it was merged into. */
struct unit *unit_follow_merge(struct unit *u);
/* Description=, else the id. */
const char *unit_description(const struct unit *u);
/* "nginx.service - A web server" as StatusUnitFormat= has it, for messages. The manager's string
 * until the next call. */
const char *unit_status_string(const struct unit *u);

/* The type tells that its state went from old to ns. `reload_failed`: the reload that just ended
 * did not work. To be called for every change of the state, also if the active state is the same.
 * May start and queue other jobs; never frees u. */
void unit_notify_state(struct unit *u, enum active_state old, enum active_state ns,
                       bool reload_failed);
/* Some property has changed: watchers are told when the loop comes round. */
void unit_changed(struct unit *u);

/* Starts a new invocation: a new id. */
void unit_new_invocation(struct unit *u);

/* Keeps the record (which is the unit's from now on) of the invocation that ended. */
void unit_add_record(struct unit *u, struct invocation_record *r);
/* Zeroed; NULL where memory is out. */
struct invocation_record *invocation_record_new(void);
void invocation_record_free(struct invocation_record *r);
/* r->texts, made if need be; NULL where memory is out. */
struct record_texts *invocation_record_texts(struct invocation_record *r);
/* The restart series is over (started by hand, or a success). */
void unit_end_series(struct unit *u);

/* Whether another start is allowed by StartLimitIntervalSec= and Burst= now; counts it. 0 or
 * -ECANCELED, having done what StartLimitAction= says. */
int unit_check_start_limit(struct unit *u);

/* Whether a stop of this unit is going on, or queued. For restart decisions. */
bool unit_stop_pending(const struct unit *u);
/* A job to stop or start it is there, or a unit it depends on pulls it in. */
bool unit_inactive_or_pending(const struct unit *u);
bool unit_active_or_pending(const struct unit *u);
bool unit_will_restart(const struct unit *u);
bool unit_can_reload(const struct unit *u);
bool unit_can_start(const struct unit *u);
bool unit_can_stop(const struct unit *u);
bool unit_can_isolate(const struct unit *u);
bool unit_can_freeze(const struct unit *u);
bool unit_need_daemon_reload(struct unit *u);

/* Keeps the unit from being forgotten. */
void unit_ref(struct unit *u);
void unit_unref(struct unit *u);

/* ---- building ---- */

/* Adds a dependency on a unit by name, which is loaded when the queue is worked off. A template
 * instance name is fine, a template is -EINVAL. `also` is a second kind, or DEPENDENCY_KIND_MAX. */
int unit_add_dependency_name(struct unit *u, enum dependency_kind kind, enum dependency_kind also,
                             const char *name);
int unit_add_dependency(struct unit *u, enum dependency_kind kind, struct unit *other);
/* What DefaultDependencies= of services, mounts ... shares: Conflicts= and Before=shutdown.target.
 */
int unit_add_shutdown_dependencies(struct unit *u);
/* DefaultDependencies= of services, sockets, timers and paths: sysinit.target, basic.target, and
 * the above (systemd.service(5), DEFAULT DEPENDENCIES). */
int unit_add_start_dependencies(struct unit *u);
/* Requires/After (or Wants) on the mounts below which `path` is, as RequiresMountsFor=. */
int unit_add_mounts_for(struct unit *u, const char *path, bool wants);
/* Implicit dependencies of units with exec settings (systemd.exec(5), IMPLICIT DEPENDENCIES):
 * mounts of its folders, journal sockets, tmpfiles ... */
int unit_add_exec_dependencies(struct unit *u);

/* Why a unit cannot run, from load(): logged with the unit's file and kept for LoadError. Returns
 * -ENOEXEC. */
int unit_load_fault(struct unit *u, const char *fmt, ...) _printf_(2, 3);

/* ---- processes ---- */

/* The unit's tracker, made (and realized with the slices' cgroups and settings) if there is none.
 */
int unit_tracker(struct unit *u, struct tracker **ret);
/* The same, for a state that was handed over: in that cgroup, if it is not NULL. */
int unit_tracker_at(struct unit *u, const char *cgroup, struct tracker **ret);
/* Writes the unit's resource settings to its cgroup, if it has one now: after set-property and
 * daemon-reload. */
void unit_apply_resources(struct unit *u);
/* And, of a slice, to all that is in it. */
void unit_apply_resources_below(struct unit *u);
/* The system has started, or begins to stop: Startup...= settings count no more, or again. */
void manager_apply_startup(struct manager *m);
/* A setting of the running unit was left out: logged, and kept for ReeveDegraded=. `error` -ENOCSI
 * stands for missing cgroups; object may be NULL. */
void unit_note_degraded(struct unit *u, const char *directive, const char *object, int error);
/* The same for all resource settings, where there are no cgroups. */
void unit_note_missing_resources(struct unit *u);
/* Whether the unit's files set it. */
bool unit_sets_resource(const struct unit *u, const char *name);
/* u->rare, made if need be; NULL where memory is out. */
struct unit_rare *unit_rare(struct unit *u);
/* Set members of it. Return 0 or -ENOMEM. */
int unit_set_traffic(struct unit *u, enum traffic direction, struct ip_traffic now);
int unit_set_identity(struct unit *u, uid_t uid, gid_t gid);
/* The unit has ended: tells what was used in its cgroup, if it still has one. */
void unit_log_resources(struct unit *u);
/* Its processes are gone: removes the cgroup, having read from it what `show` still tells. */
void unit_give_cgroup_back(struct unit *u);
/* Names the processes that a unit has before a phase of its start, left behind by an earlier run
 * or phase and in the way of many a start, or that outlive it. They are left alone: KillMode=
 * wanted it so (systemd.kill(5)). */
void unit_tell_leftovers(struct unit *u, bool at_start);
/* What is to be removed when the unit has stopped, see spawn_clean_needed(). */
unsigned unit_clean_needed(const struct unit *u, const struct spawn_runtime *runtime,
                           bool restarting);
/* Removes it in a child, whose end the unit is told of. 0 or a negative errno. */
int unit_start_cleaner(struct unit *u, struct spawn_runtime *runtime, unsigned what, pid_t *ret);
/* Fills what every spawn_request of the unit has in common: manager, config, unit, tracker,
 * invocation, stream (made if need be). The type adds command, phase, environment, fds. */
int unit_prepare_spawn(struct unit *u, struct spawn_request *req);
/* The output stream's service end of the current invocation, opened by unit_prepare_spawn(), can be
 * closed: no further command of this invocation will run. */
void unit_close_stream(struct unit *u);

/* child_exited() of u is called when pid ends. A pid has one unit: a later call takes it over. */
int unit_watch_pid(struct unit *u, pid_t pid);
/* Has the next unit_watch_pid() not fail. Returns 0 or -ENOMEM. */
int unit_reserve_watch(struct unit *u);
void unit_unwatch_pid(struct unit *u, pid_t pid);
void unit_unwatch_all_pids(struct unit *u);

/* systemctl kill. */
int unit_kill(struct unit *u, enum kill_whom whom, int signo, int code, int value,
              struct op_error *e);
int unit_freeze(struct unit *u, struct op_error *e);
int unit_thaw(struct unit *u, struct op_error *e);
int unit_clean(struct unit *u, unsigned mask, struct op_error *e);
/* Also lifts the start limit. */
void unit_reset_failed(struct unit *u);

/* ---- telling ---- */

#include "manager/message.h"
