/* manager/manager.h -- what the manager lets others ask and do: the control interface, `init`,
 * `up`.
 *
 * One manager a process. All functions are called from its event loop's thread. A pointer to a unit
 * or a job stays valid until the loop goes round (units that nothing refers to are forgotten then);
 * keep names and ids instead, or unit_ref(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/id128.h"
#include "base/macro.h"
#include "base/map.h"
#include "base/time.h"
#include "manager/job.h"

struct event_loop;
struct collector_client;
struct manager;
struct manager_config;
struct unit;
struct property_row;

/* Why something was refused. `name` is the last part of the error's D-Bus name in
 * org.freedesktop.systemd1 ("NoSuchUnit", "UnitMasked", "TransactionIsDestructive"), which clients
 * match; `message` is for people, complete, as systemctl shows it. */
struct op_error {
    const char *name;
    char *message;
};
void op_error_done(struct op_error *e);
#define auto_op_error _cleanup_(op_error_done)
/* Fills *e (which may be NULL, or filled already: the first stays) and returns r. */
int op_error_set(struct op_error *e, int r, const char *name, const char *fmt, ...) _printf_(4, 5);

/* ---- life ---- */

enum manager_role {
    MANAGER_PID1,       /* PID 1 of a container, systemd's places */
    MANAGER_SUPERVISOR, /* beside another init, as root: /run/reeve */
    MANAGER_USER,       /* without root: $XDG_RUNTIME_DIR/reeve */
    MANAGER_EPHEMERAL,  /* reeve up */
    MANAGER_ROLE_MAX,
};

struct manager_options {
    enum manager_role role;
    bool user_units;         /* the user's search path and %-specifiers */
    const char *root;        /* NULL */
    const char *runtime_dir; /* NULL: chosen, see manager_runtime_dir() */
    char *const *unit_dirs;  /* searched before all others (reeve up); NULL */
    const char *console;     /* plain, json, none */
    usec_t stop_timeout;     /* of the ordered shutdown; 0: 9 s as PID 1 */
    const char *sandbox;     /* "strict", "best-effort", or NULL: by the surroundings */
    unsigned crashes_max;    /* a minute, after which children are reaped and no more; 0: 3 */
    const char *exit_when;   /* unit whose end ends the manager; NULL */
    bool own_journal;        /* also where a journald keeps this machine's */
    bool no_cgroup;          /* use holders also where cgroups can be written */
    bool test;               /* no process is started, nothing outside is touched (unit tests) */
};

enum system_state {
    SYSTEM_INITIALIZING,
    SYSTEM_STARTING,
    SYSTEM_RUNNING,
    SYSTEM_DEGRADED,
    SYSTEM_MAINTENANCE,
    SYSTEM_STOPPING,
    SYSTEM_STATE_MAX,
};
/* systemctl is-system-running. */
enum system_state manager_state(const struct manager *m);
const char *system_state_name(enum system_state s);

/* What the manager is to do when the loop ends, and what manager_run() returns. */
enum manager_objective {
    OBJECTIVE_RUN,
    OBJECTIVE_EXIT,
    OBJECTIVE_POWEROFF,
    OBJECTIVE_REBOOT,
    OBJECTIVE_HALT,
    OBJECTIVE_KEXEC,
    OBJECTIVE_SOFT_REBOOT,
    OBJECTIVE_REEXEC,
    OBJECTIVE_MAX,
};

/* Sets up all but units: folders, signals, process tracking, loader. The loop is the caller's and
 * outlives the manager. Returns 0 or a negative errno, having logged why. */
int manager_new(struct event_loop *loop, const struct manager_options *options,
                struct manager **ret);
/* Takes up what an earlier process left (manager_reexec(), a crash), or else runs the generators
 * and starts `units` (NULL: default.target) once these have ended. 0 or a negative errno. */
int manager_begin(struct manager *m, char *const *units, char **argv);
/* Turns the loop until an objective is set, and returns that. OBJECTIVE_REEXEC does not return
 * where it works. */
enum manager_objective manager_run(struct manager *m);
/* Ends what is left: processes of units are killed unless the manager is one that may be started
 * again beside them. */
void manager_free(struct manager *m);

struct event_loop *manager_loop(struct manager *m);
struct collector_client *manager_collector(struct manager *m);
enum manager_role manager_role(const struct manager *m);
enum manager_objective manager_objective(const struct manager *m);
/* When the manager began, and when the boot was over (0: not yet). */
struct dual_time manager_start_time(const struct manager *m);
struct dual_time manager_finish_time(const struct manager *m);
/* "/run", "/run/reeve", "/dev/shm/reeve" ...: services' runtime folders and sockets are below. */
const char *manager_runtime_dir(const struct manager *m);
/* The folder of the control socket and the like: "/run/reeve" ... */
const char *manager_socket_dir(const struct manager *m);
/* "cgroup" or "holder": how processes are tracked. */
const char *manager_tracking(const struct manager *m);
const char *manager_version(void);
/* What was degraded and what cannot work here, one line each, for status; NULL-terminated. */
char *const *manager_warnings(const struct manager *m);

/* Asks for the end, as the verb exit, poweroff ... with --force does: without stopping units. The
 * orderly way is a job for exit.target, poweroff.target ... */
void manager_set_objective(struct manager *m, enum manager_objective o);
int manager_exit_code(const struct manager *m);
void manager_set_exit_code(struct manager *m, uint8_t code);

/* ReloadLimitBurst=: counts a client's request of this name. 0 or a negative errno, and *e. */
int manager_check_reload_limit(struct manager *m, const char *method, struct op_error *e);
/* daemon-reload: unit files are read anew, all state is kept. -EBUSY while one is going on. Runs
 * generators first, in a child: `done` is called when all is over, with 0 or a negative errno. */
int manager_reload(struct manager *m, void (*done)(int r, void *userdata), void *userdata);
/* daemon-reexec: checked by a trial run of the new binary before it happens. `failed` is called
 * with a negative errno where that one cannot read our state; otherwise this process ends with
 * exec. 0 if it is under way, else a negative errno and *e. */
int manager_reexec(struct manager *m, void (*failed)(int r, void *userdata), void *userdata,
                   struct op_error *e);
/* Executing it did not work after all: whoever asked for it is told. */
void manager_reexec_failed(struct manager *m, int r);

/* ---- units ---- */

/* A loaded unit of this name or alias; NULL. Loads nothing. */
struct unit *manager_unit(struct manager *m, const char *name);
/* Loads the unit if it is not. A unit that is not found, masked, or bad is still a unit: see its
 * load state. Returns 0, -EINVAL (no unit name; *e says so), -ENOMEM. */
int manager_load_unit(struct manager *m, const char *name, struct unit **ret, struct op_error *e);
/* The unit whose process this is (by main, control or tracked process); NULL. */
struct unit *manager_unit_by_pid(struct manager *m, pid_t pid);
struct unit *manager_unit_by_invocation(struct manager *m, struct id128 id);
/* All loaded units by name; aliases are entries of their own, so compare the key with u->id.
 * Use MANAGER_FOREACH_UNIT, which leaves the aliases out. */
const struct map *manager_units(const struct manager *m);
const struct map *manager_jobs(const struct manager *m); /* by id */
size_t manager_failed_units(const struct manager *m);

#define MANAGER_FOREACH_UNIT(u, m) for (size_t unit_i = 0; ((u) = manager_next_unit((m), &unit_i));)
struct unit *manager_next_unit(const struct manager *m, size_t *position);

/* ---- doing things ---- */

/* The request of a client: checks RefuseManualStart= and the like, then manager_add_job(). The
 * types TRY_RESTART, RELOAD_OR_START ... are meant here. `reload_if_possible` turns a restart into
 * a reload for units that can. Returns 0 with the installed job in *ret (NULL allowed), or a
 * negative errno and *e. */
int manager_request(struct manager *m, enum job_type type, struct unit *u, enum job_mode mode,
                    bool reload_if_possible, struct job **ret, struct op_error *e);
/* The same without a client's restrictions. *ret is NULL where nothing is to be done. */
int manager_add_job(struct manager *m, enum job_type type, struct unit *u, enum job_mode mode,
                    struct job **ret, struct op_error *e);
void manager_cancel_all_jobs(struct manager *m);

void manager_reset_failed(struct manager *m);

/* The environment block that services get: the effective value, and changes to it (NULL for none).
 * `set` are assignments, `unset` names or assignments. Returns 0, -EINVAL (bad assignment, *e). */
char *const *manager_environment(const struct manager *m);
int manager_change_environment(struct manager *m, char *const *set, char *const *unset,
                               struct op_error *e);

/* ---- watching ---- */

enum manager_event {
    EVENT_UNIT_NEW,
    EVENT_UNIT_REMOVED,
    EVENT_UNIT_STATE,   /* at once, for every change of ActiveState or SubState */
    EVENT_UNIT_CHANGED, /* some property, at most once a turn of the loop */
    EVENT_JOB_NEW,
    EVENT_JOB_REMOVED, /* job->result is set */
    EVENT_RELOADING,   /* begin */
    EVENT_RELOADED,
    EVENT_STARTUP_FINISHED,
    EVENT_ENVIRONMENT,
    MANAGER_EVENT_MAX,
};

/* u and j are NULL where they have no meaning. The callback may not add or remove jobs or units; it
 * may free its own watch. */
typedef void (*manager_watch_fn)(enum manager_event ev, struct unit *u, struct job *j,
                                 void *userdata);
struct manager_watch;
/* The watch is the caller's, to be freed by manager_watch_free(). 0 or -ENOMEM. */
int manager_watch_add(struct manager *m, manager_watch_fn fn, void *userdata,
                      struct manager_watch **ret);
struct manager_watch *manager_watch_free(struct manager_watch *w);

/* ---- properties ---- */

/* A value as `show` and the control interface give it. Nothing in it is the receiver's. */
enum value_kind {
    VALUE_STRING,    /* text, never NULL */
    VALUE_STRINGS,   /* strv, may be NULL */
    VALUE_BOOL,      /* number */
    VALUE_INT,       /* (int64_t) number */
    VALUE_UINT,      /* number; UINT64_MAX is "infinity" or [not set], see `infinite` */
    VALUE_TIME,      /* CLOCK_REALTIME; 0 is never */
    VALUE_MONOTONIC, /* CLOCK_MONOTONIC; 0 is never */
    VALUE_SPAN,      /* microseconds; USEC_INFINITY */
    VALUE_ID,        /* id; null is not set */
    VALUE_KIND_MAX,
};
struct property_value {
    enum value_kind kind;
    const char *text;
    char *const *strv;
    uint64_t number;
    struct id128 id;
    char *owned; /* what the getter allocated; property_value_done() frees it */
    char **owned_strv;
};
void property_value_done(struct property_value *v);

/* One runtime property: ActiveState, MainPID, InvocationID ... Rows for all units, then rows of the
 * type, then those of units with processes (property.h). What the unit file sets comes from the
 * directive table (unit/directive.h) and is not here. `privileged`: only for root and the manager's
 * own uid (docs/architecture.md, "Layers of trust").
 */
struct property_row {
    const char *name; /* as `show` prints it: the D-Bus property's name */
    int (*get)(const struct unit *u, struct property_value *v); /* 0, or -ENODATA: leave it out */
    bool privileged;
};
/* The tables of the unit, which end with a NULL name, and after them NULL. */
#define PROPERTY_TABLES_MAX 4
void unit_property_tables(const struct unit *u,
                          const struct property_row *ret[static PROPERTY_TABLES_MAX + 1]);

/* Properties of the manager itself (systemctl show without a unit): same form. */
struct manager_property_row {
    const char *name;
    int (*get)(const struct manager *m, struct property_value *v);
};
extern const struct manager_property_row manager_properties[];
/* What system.conf says; NULL before it is read. */
const struct manager_config *manager_settings(const struct manager *m);
