/* manager/service.h -- the service unit type, for the files that make it up (service*.c).
 *
 * service.c owns the state: events go through service_handle(), which asks service_decide() and
 * acts. The other files do one thing each: run commands (service_process.c), find the main process
 * (service_main_pid.c), kill (service_signal.c), hear notifications (service_notify.c), keep
 * descriptors (service_fds.c), tell (service_property.c), hand over (service_save.c). */
#pragma once

#include <syslog.h>

#include "launch/spawn.h"
#include "manager/notify.h"
#include "manager/service_exit.h"
#include "manager/service_state.h"
#include "manager/unit.h"
#include "unit/config.h"

struct event_source;
struct service_health;
struct service_notify;
struct service_connection;
struct service_restored;
struct stored_fd;

/* How a process of the service began and ended. */
struct service_exec {
    pid_t pid; /* 0: none was started */
    int code, status;
    struct dual_time start, handoff, exit;
};

/* The same of one command of the unit, of this start. */
struct ran_command {
    struct ran_command *next;
    uint8_t phase; /* enum spawn_phase */
    uint16_t index;
    struct service_exec exec;
};

/* A process that runs. */
struct service_child {
    struct event_source *report_source;
    struct spawn_report *report; /* until the command is executed, or failed to be */
    pid_t pid;                   /* 0: none */
    int report_fd : 30;
    bool alien : 1;   /* its parent is neither us nor a holder: only a pidfd tells of its end */
    bool refused : 1; /* the launch report: it could not even begin (spawn.h, step 0) */
};

struct service {
    struct unit unit;
    uint8_t state;  /* enum service_state: assigned by service_enter() alone */
    uint8_t result; /* enum service_result; so are the next two */
    uint8_t reload_result, clean_result;
    uint8_t notify_state;   /* enum notify_state */
    uint8_t control_phase;  /* enum spawn_phase of the control process, NO_PHASE */
    int8_t access_override; /* NOTIFYACCESS=, -1 none */
    uint8_t failed_phase;   /* of the command that decided the result, NO_PHASE none */
    uint16_t main_index;    /* which ExecStart= the main process runs */
    uint16_t control_index; /* which command of control_phase */
    uint16_t failed_index;
    bool main_known : 1;     /* the main process was found; it may be gone */
    bool forbid_restart : 1; /* stopped by hand */
    bool flush_restarts : 1; /* the next start begins a new series */
    bool live : 1;           /* an invocation has begun and not ended */
    bool reload_signalled : 1;
    bool reload_answered : 1;
    bool cleaned : 1;             /* what the invocation leaves behind was removed */
    bool cleaning_up : 1;         /* a child does so; what comes next waits for it */
    uint8_t end_state, end_event; /* where service_handle() goes on then */
    pid_t cleaner;

    struct service_child main, control;
    struct service_exec main_exec, control_exec;
    struct ran_command *ran;
    struct spawn_runtime *runtime;
    struct event_source *timer; /* the state's deadline */
    struct event_source *watchdog_timer;
    struct event_source *pid_file_source;
    struct manager_watch *idle_watch;
    int pid_file_fd; /* inotify */
    int idle_fd;     /* Type=idle: the child waits until this is closed */

    usec_t watchdog_override; /* WATCHDOG_USEC=; USEC_UNSET none */
    struct dual_time watchdog_time;
    usec_t reload_begin; /* when the reload signal was sent */
    usec_t random_extra; /* of RuntimeRandomizedExtraSec= */
    usec_t deadline;     /* that `timer` is set to, monotonic; USEC_INFINITY */
    uint64_t oom_kills;  /* memory.events, when last looked at */

    struct service_notify *notify; /* socket and history; NULL */
    struct service_health *health; /* what its probes say; NULL */
    struct stored_fd *fds;
    pid_t prober; /* makes `health`; 0: none */
    unsigned n_fds;
    unsigned n_restarts;
    int status_errno;
    struct service_connection *connection; /* socket.h; NULL */

    struct service_restored *restored; /* while state is handed over */

    char *status_text, *bus_error, *varlink_error;
    /* What the launch report of the process that failed said; for the record. */
    char *failed_object, *failed_directive;
    int failed_step, failed_error;
};

#define UNIT(s) (&(s)->unit)

static inline struct service *SERVICE(const struct unit *u)
{
    return (struct service *) u; /* struct unit is the first member */
}
static inline const struct service_config *service_config(const struct service *s)
{
    return s->unit.config->service;
}

/* ---- service.c ---- */

/* Tells the service what has happened; it goes where that leads. `f` as service_decide() takes it.
 * Returns what a job's operation returns: 0 or a negative errno of struct unit_ops. */
int service_handle(struct service *s, enum service_event ev, enum service_result f);
void service_view_of(const struct service *s, struct service_view *v);
/* At most once a state: the deadline is put off to `until` if that is later (monotonic). */
void service_extend_deadline(struct service *s, usec_t until);
/* The watchdog begins anew; it runs only in states that own it. */
void service_ping_watchdog(struct service *s);
usec_t service_watchdog_usec(const struct service *s);
enum notify_access service_notify_access(const struct service *s);
/* What the unit leaves behind is removed: service_handle() goes on. */
void service_cleaned_up(struct service *s);
/* After a hand-over: the state it had, with the timers that belong to it. */
void service_resume(struct service *s, enum service_state state);
/* How long the next automatic restart would wait. */
usec_t service_next_restart_delay(const struct service *s);

/* ---- service_process.c ---- */

const struct exec_command *service_commands(const struct service *s, enum spawn_phase phase);
/* "ExecStartPre" and so on. */
const char *service_phase_name(enum spawn_phase phase);
/* What became of a command in this start, NULL if it has not run. */
const struct service_exec *service_ran(const struct service *s, enum spawn_phase phase,
                                       unsigned index);
void service_forget_ran(struct service *s);
/* Keeps what is known of the main process, since main_exec goes over to another one. */
void service_note_main(struct service *s);
/* Runs command `index` of the phase as main or control process. Returns 1, 0 where there is no such
 * command, or a negative errno (logged). */
int service_run(struct service *s, enum spawn_phase phase, unsigned index);
/* Type=idle: lets the child go on. */
void service_end_idle(struct service *s);
void service_child_exited(struct unit *u, pid_t pid, int code, int status);
/* Forgets the process, which may live on. */
void service_forget_child(struct service *s, struct service_child *c);
void service_child_done(struct service_child *c);
/* Follows the launch report of the process. Without it the service runs all the same. */
void service_watch_report(struct service *s, struct service_child *c, int report_fd);
/* What a launch report says of the unit, once it has ended: what was left out, its user, how it
 * failed. `command` may be NULL. */
void unit_say_launch(struct unit *u, const struct spawn_report *r,
                     const struct exec_command *command);
/* That a process has ended: `kind` is "Main" or "Control". */
void unit_say_exit(struct unit *u, const char *kind, const char *command, bool success,
                   const struct service_exec *e);
/* Takes in what the launch report says so far. */
void service_read_report(struct service *s, struct service_child *c);

/* ---- service_main_pid.c ---- */

/* Makes pid the main process. Returns 0 or a negative errno. */
int service_set_main_pid(struct service *s, pid_t pid);
/* Whether the end of the process is told to us: it is our child, or a holder's. */
bool service_is_our_child(const struct service *s, pid_t pid);
/* Looks again whether the main process is nobody's that we know of: a daemon whose father was still
 * alive when it was made known becomes ours later. */
void service_judge_alien(struct service *s);
/* Whether pid can be the main process: 1 yes, 0 only if the asker is trusted, since it is none of
 * the unit's; negative errno (logged at `priority`) if not. */
int service_judge_main_pid(struct service *s, pid_t pid, int priority);
/* Reads PIDFile=. 1: a new main process, 0: the same as before, negative errno. */
int service_load_pid_file(struct service *s, bool warn);
/* Waits for the file. 0 or a negative errno where that cannot be. */
int service_demand_pid_file(struct service *s);
void service_forget_pid_file(struct service *s);
/* GuessMainPID=: the only process whose parent is the manager or a holder. */
void service_guess_main_pid(struct service *s);

/* ---- service_signal.c ---- */

/* Sends what KillMode= and the like say. Returns 1 if there is somebody to wait for, 0 if not, or a
 * negative errno. */
int service_send_signal(struct service *s, enum service_signal signal);
/* The same for any unit with processes, of which these are known by name (pid 0: none). */
#define KNOWN_MAX 2
struct known_process {
    pid_t pid;
    bool alien; /* nobody tells us of its end */
};
int unit_send_signal(struct unit *u, enum service_signal signal,
                     const struct known_process known[static KNOWN_MAX]);
/* A signal to one process and SIGCONT after it. */
int service_signal_process(pid_t pid, int signo);
void service_kill_control(struct service *s);

/* ---- service_notify.c ---- */

/* Makes the socket if the unit may notify and has none. *ret_path is the service's. 0 or errno. */
int service_notify_open(struct service *s, const char **ret_path);
void service_notify_close(struct service *s);
void service_notify_free(struct service *s);
void service_drain_notify(struct unit *u);
/* Forgets what the last invocation said. */
void service_notify_reset(struct service *s);
/* The history, newest last, one line each ("main 4711: READY=1", "refused (...)"). A new strv. */
char **service_notify_history(const struct service *s);
int service_notify_socket(const struct service *s, const char **ret_path);
int service_notify_adopt(struct service *s, int fd, const char *path);

/* ---- service_health.c: the probes of [X-Reeve], and what those of `reeve guard` say ---- */

/* Starts the prober if the service is in a state for it, has probes, and executes its program. */
void service_health_start(struct service *s);
/* Ends it, and forgets what it said. */
void service_health_stop(struct service *s);
/* The prober has ended. */
void service_health_exited(struct service *s, int code, int status);
/* Takes in the fields of a notification that are about health. */
void service_health_heard(struct service *s, const char *text);
/* daemon-reload: the probes may be others now. */
void service_health_reloaded(struct service *s);
int service_health_restore(struct service *s, const char *state);
/* "healthy" and so on (health/probe.c), NULL where nobody looks; what each probe answered. */
const char *service_health_state(const struct service *s);
char *const *service_health_answers(const struct service *s);

/* ---- service_fds.c ---- */

struct stored_fd {
    struct stored_fd *next;
    struct service *service;
    struct event_source *source; /* tells that the other end hung up */
    char *name;
    int fd;
};
/* Takes the descriptor. 1 stored, 0 there already (closed), -EXFULL past FileDescriptorStoreMax=.
 */
int service_store_fd(struct service *s, int fd, const char *name, bool poll);
void service_remove_fds(struct service *s, const char *name);
void service_release_fds(struct service *s);
/* Adds one to such arrays, which are grown by realloc(3). 0 or -ENOMEM. */
int passed_fd_add(int **fds, char ***names, size_t *n, int fd, char *name);
/* The arrays that struct spawn_request takes, sockets first; the caller frees the arrays alone. */
int service_list_fds(const struct service *s, int **ret_fds, char ***ret_names, size_t *ret_n,
                     size_t *ret_n_sockets);

/* ---- the rest ---- */

int service_load(struct unit *u);                               /* service_load.c */
void service_record_end(struct service *s);                     /* service_record.c */
int service_save(const struct unit *u, struct state_writer *w); /* service_save.c */
int service_restore(struct unit *u, const char *key, const char *value, struct state_reader *r);
int service_coldplug(struct unit *u);
void service_restored_free(struct service *s);
extern const struct property_row service_properties[]; /* service_property.c */
