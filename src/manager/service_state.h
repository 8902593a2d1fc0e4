/* manager/service_state.h -- the states of a service, and what leads from one to the next.
 *
 * service_decide() is a pure function of what is known about the service, of the event, and of
 * nothing else: it touches nothing, and says which state comes next and with which result. What a
 * state does when it is entered (which commands run, which signal is sent, how long it may last) is
 * a row of service_states[]. service.c acts on both.
 *
 * Entering a state can have nothing to wait for (no ExecStop=, nobody left to kill): then the state
 * is passed over by EV_DONE, without having been shown to anybody. Sources: systemd.service(5),
 * systemd.kill(5), and systemd 257 at work. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "launch/spawn.h"
#include "manager/notify.h"
#include "manager/unit.h"
#include "unit/types.h"

enum service_state {
    SERVICE_DEAD,
    SERVICE_CONDITION,
    SERVICE_START_PRE,
    SERVICE_START,
    SERVICE_START_POST,
    SERVICE_RUNNING,
    SERVICE_EXITED,
    SERVICE_RELOAD,
    SERVICE_RELOAD_SIGNAL,
    SERVICE_RELOAD_NOTIFY,
    SERVICE_STOP,
    SERVICE_STOP_WATCHDOG,
    SERVICE_STOP_SIGTERM,
    SERVICE_STOP_SIGKILL,
    SERVICE_STOP_POST,
    SERVICE_FINAL_WATCHDOG,
    SERVICE_FINAL_SIGTERM,
    SERVICE_FINAL_SIGKILL,
    SERVICE_FAILED,
    SERVICE_DEAD_BEFORE_AUTO_RESTART,
    SERVICE_FAILED_BEFORE_AUTO_RESTART,
    SERVICE_DEAD_RESOURCES_PINNED,
    SERVICE_AUTO_RESTART,
    SERVICE_AUTO_RESTART_QUEUED,
    SERVICE_CLEANING,
    SERVICE_STATE_MAX,
};

enum service_result {
    RESULT_SUCCESS,
    RESULT_RESOURCES,
    RESULT_PROTOCOL,
    RESULT_TIMEOUT,
    RESULT_EXIT_CODE,
    RESULT_SIGNAL,
    RESULT_CORE_DUMP,
    RESULT_WATCHDOG,
    RESULT_START_LIMIT_HIT,
    RESULT_OOM_KILL,
    RESULT_EXEC_CONDITION,
    SERVICE_RESULT_MAX,
};

/* "exit-code" and so on, as Result= shows it; -EINVAL for other names. */
const char *service_result_name(enum service_result r);
int service_result_from_name(const char *name);
int service_state_from_name(const char *name);

enum service_event {
    EV_START,        /* a start job runs */
    EV_STOP,         /* a stop job runs */
    EV_RELOAD,       /* a reload job runs */
    EV_REFUSED,      /* a start was refused before anything ran; with its result */
    EV_DONE,         /* the state just entered has nothing to wait for */
    EV_FAILED,       /* the state could not be entered (no process could be made, nobody killed) */
    EV_EXECED,       /* the main process executes its program */
    EV_MAIN_EXIT,    /* the main process is gone, and no ExecStart= is left; with its result */
    EV_CONTROL_EXIT, /* the last command of the state has ended, or one failed; with its result */
    EV_READY,        /* READY=1 */
    EV_RELOADING,    /* RELOADING=1 */
    EV_STOPPING,     /* STOPPING=1 */
    EV_PID_FILE,     /* the PID file names a main process now */
    EV_EMPTY,        /* no process of the unit is left */
    EV_OOM,          /* the kernel killed one of them for want of memory */
    EV_TIMEOUT,      /* the state has lasted as long as it may */
    EV_WATCHDOG,     /* no sign of life in time, or WATCHDOG=trigger */
    EV_RESET_FAILED, /* systemctl reset-failed */
    EV_CLEAN,        /* systemctl clean */
    EV_UNPINNED,     /* no descriptor is stored any more */
    SERVICE_EVENT_MAX,
};

/* "main-exit": for messages of tests and the log. */
const char *service_event_name(enum service_event e);

/* What is known of the main process. */
enum main_process {
    MAIN_UNKNOWN, /* there may be one: Type=forking before it is found */
    MAIN_GONE,
    MAIN_ALIVE,
};

/* All that decisions depend on. */
struct service_view {
    enum service_state state;
    enum service_result result; /* so far */
    enum service_type type;
    enum exit_type exit_type;
    enum service_restart restart;
    enum timeout_failure_mode start_failure_mode, stop_failure_mode;
    enum oom_policy oom_policy;
    enum notify_state notify_state;
    enum main_process main;
    bool control_alive : 1; /* a control process runs */
    bool populated : 1;     /* processes of the unit exist */
    bool remain_after_exit : 1;
    bool restart_direct : 1; /* RestartMode=direct */
    bool send_sigkill : 1;
    bool notify_main_only : 1;  /* only the main process can say READY=1 */
    bool pid_file : 1;          /* PIDFile= is set */
    bool pid_file_demanded : 1; /* it names no process yet, and can be waited for */
    bool has_start_post : 1;
    bool reload_signalled : 1;  /* the reload signal of Type=notify-reload was sent */
    bool reload_answered : 1;   /* RELOADING=1 came with a time after the reload had begun */
    bool restart_forbidden : 1; /* the service was stopped by hand */
    bool restart_prevented : 1; /* by RestartPreventExitStatus= */
    bool restart_forced : 1;    /* by RestartForceExitStatus= */
    bool stop_pending : 1;      /* a stop job is queued */
    bool pinned : 1;            /* stored descriptors outlive the service */
};

enum step_verdict {
    STEP_STAY,   /* nothing changes but perhaps the result */
    STEP_ENTER,  /* go to `next` */
    STEP_REFUSE, /* of a job: `error` says why, as struct unit_ops has it */
};

struct step {
    enum step_verdict verdict;
    enum service_state next;
    enum service_result result;        /* that the service has from now on */
    enum service_result reload_result; /* of EV_CONTROL_EXIT, EV_TIMEOUT, EV_FAILED in a reload */
    int error;
    bool quiet : 1;           /* enter STOP_SIGTERM without a signal: the service said STOPPING=1 */
    bool reload_ended : 1;    /* reload_result holds */
    bool kill_control : 1;    /* the reload command is to be killed */
    bool restart_refused : 1; /* a restart was not even considered */
};

/* The next step. `f` is the result that the event brings, RESULT_SUCCESS where it brings none. */
struct step service_decide(const struct service_view *v, enum service_event ev,
                           enum service_result f);

/* Restart= and its exceptions for a service that ends with v->result (systemd.service(5), table 1).
 * Does not look at v->stop_pending. */
bool service_wants_restart(const struct service_view *v);

/* The delay before the n-th restart of a series (n from 1): RestartSec=, growing in `steps` equal
 * factors to `max` (systemd.service(5), RestartSteps=). */
usec_t service_restart_delay(unsigned n, usec_t base, unsigned steps, usec_t max);

/* ---- the table of states ---- */

enum service_signal { SIGNAL_NONE, SIGNAL_TERMINATE, SIGNAL_WATCHDOG, SIGNAL_KILL };

enum service_deadline {
    DEADLINE_NONE,
    DEADLINE_START,
    DEADLINE_RUN,
    DEADLINE_STOP,
    DEADLINE_ABORT,
    DEADLINE_RESTART,
    DEADLINE_CLEAN,
};

/* What a state needs; the rest is let go of when it is entered. */
#define OWNS_MAIN (1u << 0)     /* the main process */
#define OWNS_CONTROL (1u << 1)  /* a control process */
#define OWNS_TIMER (1u << 2)    /* the state's timer */
#define OWNS_WATCHDOG (1u << 3) /* the watchdog runs */
#define OWNS_PID_FILE (1u << 4) /* the PID file is waited for */
#define OWNS_RUNTIME (1u << 5)  /* the output stream, what the commands share */
#define OWNS_HEALTH (1u << 6)   /* its health is looked at */

#define NO_PHASE SPAWN_PHASE_MAX

struct service_state_info {
    const char *name;         /* SubState= */
    enum active_state active; /* ActiveState=; see service_active_state() */
    unsigned owns;
    enum spawn_phase phase; /* the commands that run, NO_PHASE: none */
    enum service_signal signal;
    enum service_deadline deadline;
};

extern const struct service_state_info service_states[SERVICE_STATE_MAX];

/* ActiveState=: a service of Type=idle counts as active while it starts. */
enum active_state service_active_state(enum service_state s, enum service_type type);

/* *-before-auto-restart: shown to watchers, and left at once by EV_DONE. */
static inline bool service_state_passes(enum service_state s)
{
    return s == SERVICE_DEAD_BEFORE_AUTO_RESTART || s == SERVICE_FAILED_BEFORE_AUTO_RESTART;
}
