/* launch/spawn.h -- start one process of a unit, and learn how its set-up went.
 *
 * The manager fills a request and calls spawn_start(), which forks and returns at once. Whatever
 * may block (files, users by getent, mounts, folders to be chowned) happens in the child, which
 * follows the order of systemd's set-up, and tells over a close-on-exec pipe, the launch report,
 * which step it is in, what it left out, and how a step failed. The pipe closes when the child has
 * executed the command or has ended. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/alloc.h"
#include "base/id128.h"
#include "base/time.h"
#include "launch/exec_status.h"
#include "launch/track.h"

struct unit_config;
struct exec_command;

/* Which command of the unit it is. Decides what applies to it (systemd.service(5):
 * PermissionsStartOnly=, RootDirectoryStartOnly=; systemd.exec(5): StandardInput=, credentials). */
enum spawn_phase {
    SPAWN_CONDITION,
    SPAWN_START_PRE,
    SPAWN_START, /* the main process */
    SPAWN_START_POST,
    SPAWN_RELOAD,
    SPAWN_STOP,
    SPAWN_STOP_POST,
    SPAWN_SOCKET, /* ExecStartPre= and so on of a socket, mount or swap: a control command */
    SPAWN_PHASE_MAX,
};

/* docs/architecture.md, "Classes of sandboxing". */
enum sandbox_policy {
    SANDBOX_HOST,        /* as systemd does: what it skips is skipped with a warning */
    SANDBOX_CONTAINER,   /* hardening that is refused here is skipped with a warning */
    SANDBOX_BEST_EFFORT, /* and PrivateNetwork= and PrivateTmp= as well */
    SANDBOX_STRICT,      /* nothing is ever skipped */
    SANDBOX_POLICY_MAX,
};

/* What is the same for every unit of a manager. All pointers live as long as the manager. */
struct spawn_manager {
    bool user; /* a user's manager: systemd's scope */
    enum sandbox_policy policy;
    struct track_host *tracking;
    const char *reeve_dir; /* the manager's own runtime folder: "/run/reeve" */
    const char *root;      /* "" (tests only: a folder that stands in for / for directories) */
    /* Where the directory families live (systemd.exec(5), table "Automatic directory creation"):
     * "/run", "/var/lib", "/var/cache", "/var/log", "/etc" for the system. */
    const char *runtime_prefix, *state_prefix, *cache_prefix, *logs_prefix, *configuration_prefix;
    const char *generated_path;      /* what $PATH is by default; NULL: systemd's */
    char **environment;              /* the manager's own block, that set-environment changes */
    usec_t default_timer_slack_nsec; /* USEC_INFINITY: inherited */
    int default_oom_score_adjust;    /* DefaultOOMScoreAdjust=; INT_MIN: inherited */
    int console_fd;                  /* what journal+console and kmsg+console copy to; -1 */
    int user_lookup_timeout_sec;     /* of getent; 0: 10 s */
};

/* What the commands of one unit share from its start to its end: the folders of PrivateTmp=, the
 * namespaces of PrivateNetwork= and PrivateIPC= (and those of JoinsNamespaceOf=), the dynamic user,
 * the credentials. Made by the manager when a unit starts, ended by spawn_clean_start(). */
struct spawn_runtime;

/* Takes references on `joined`, the runtimes of the units in JoinsNamespaceOf= that are active
 * (may be NULL, n 0). Does not touch the disk. Returns 0 or a negative errno. */
int spawn_runtime_new(const struct unit_config *config, const char *unit,
                      struct spawn_runtime *joined, struct spawn_runtime **ret);
struct spawn_runtime *spawn_runtime_ref(struct spawn_runtime *r);
struct spawn_runtime *spawn_runtime_unref(struct spawn_runtime *r);
/* State hand-over: a text without newlines (the caller's), and the descriptors that it numbers from
 * 0 on. The descriptors stay the runtime's. */
#define SPAWN_RUNTIME_FDS 6
int spawn_runtime_save(const struct spawn_runtime *r, char **ret_text,
                       int ret_fds[static SPAWN_RUNTIME_FDS]);
/* Takes the descriptors (-1 where there was none), also on failure. */
int spawn_runtime_restore(const char *text, const int fds[static SPAWN_RUNTIME_FDS],
                          struct spawn_runtime **ret);
/* The uid of DynamicUser=, or -1 where there is none (yet: it is chosen by the first command). */
uid_t spawn_runtime_uid(const struct spawn_runtime *r);

struct spawn_request {
    const struct spawn_manager *manager;
    const struct unit_config *config;
    const char *unit; /* "nginx.service" */
    const struct exec_command *command;
    enum spawn_phase phase;
    struct tracker *tracker;       /* where its processes belong; has to be realized */
    struct spawn_runtime *runtime; /* may be NULL where nothing is shared */

    struct id128 invocation; /* INVOCATION_ID=, if not null */
    /* "NAME=VALUE" strings that the manager adds: MAINPID, SERVICE_RESULT, EXIT_CODE, EXIT_STATUS,
     * NOTIFY_SOCKET, MONITOR_*, REMOTE_*, TRIGGER_*, MANAGERPID ... LISTEN_*, WATCHDOG_*,
     * JOURNAL_STREAM, INVOCATION_ID and all else of systemd.exec(5) are set here. Environment= and
     * EnvironmentFile= override them, as in systemd. */
    char *const *environment;
    usec_t watchdog; /* WATCHDOG_USEC= for the main process; 0 or USEC_INFINITY: none */

    /* The unit's output stream to the collector, for journal, kmsg+console and so on; -1: what
     * would go there goes to /dev/null. JOURNAL_STREAM= is taken from it. */
    int stream_fd;
    int stderr_stream_fd; /* a stream of its own for StandardError=, or -1: stream_fd */
    int socket_fd;        /* the connection or socket of StandardInput=socket; -1 */
    const int *stdio;     /* three descriptors in place of StandardInput= and so on; NULL */

    /* Passed from descriptor 3 on (LISTEN_FDS=), with their names (LISTEN_FDNAMES=): sockets
     * first, then the fd store, then OpenFile=, which are opened by the child. `fd:NAME` of the
     * standard descriptors looks a name up here. */
    const int *fds;
    char *const *fd_names;
    size_t n_fds;
    size_t n_socket_fds; /* the first ones; the others are of the fd store */

    int idle_fd; /* Type=idle: waits (at most 5 s) until this pipe hangs up; -1 */
};

struct spawn {
    pid_t pid;
    int pidfd;     /* the caller's; readable when the process has ended */
    int report_fd; /* the caller's. Watch it for EPOLLHUP alone (events = 0): then there is one
                    * wake-up a launch. Nonblocking. */
};

/* Before a manager opens anything that it keeps: makes launches as cheap, and as soon, as they can
 * be. */
void spawn_init(void);

/* Forks the process. `argv` of the command is expanded here, from the environment that it gets.
 * Returns 0, or a negative errno where not even the fork worked (-ENOMEM, -EAGAIN, of a cgroup that
 * is gone: -ENODEV); nothing runs then. Does not block, but for what share.c allows (below a
 * holder: for a fork and a message of our own code, bounded by 5 s, -ETIMEDOUT). */
int spawn_start(const struct spawn_request *request, struct spawn *ret);
/* Whether the set-up can fail with step 0. */
bool spawn_waits(const struct unit_config *config, enum spawn_phase phase);

/* Removes what the unit leaves behind, in a child of its own, as spawn_start() makes one: its
 * temporary folders, credentials, and those directory families whose bit (enum spawn_clean) is
 * set. Without `runtime` only the families. A failure ends with the family's step in the report
 * and an exit status other than 0. */
enum spawn_clean {
    SPAWN_CLEAN_RUNTIME = 1 << 0,
    SPAWN_CLEAN_STATE = 1 << 1,
    SPAWN_CLEAN_CACHE = 1 << 2,
    SPAWN_CLEAN_LOGS = 1 << 3,
    SPAWN_CLEAN_CONFIGURATION = 1 << 4,
    SPAWN_CLEAN_FDSTORE = 1 << 5,   /* the manager's own; ignored here */
    SPAWN_CLEAN_TEMPORARY = 1 << 6, /* of PrivateTmp=, and the credentials */
};
int spawn_clean_start(const struct spawn_manager *m, const struct unit_config *config,
                      const char *unit, struct spawn_runtime *runtime, unsigned what,
                      struct spawn *ret);
/* Removes the folder of what is mounted into the namespace of the unit's processes later on, which
 * are gone. */
void spawn_forget_incoming(const struct spawn_manager *m, const char *unit);
/* What there is to remove when the unit has stopped: 0 where no child is needed. The settings may
 * be others than when it was started; its user and its credentials go all the same. `restarting`:
 * the stop is part of a restart (RuntimeDirectoryPreserve=restart). */
unsigned spawn_clean_needed(const struct spawn_manager *m, const struct unit_config *config,
                            const char *unit, const struct spawn_runtime *runtime, bool restarting);

/* ---- the launch report ---- */

enum spawn_state {
    SPAWN_SETTING_UP, /* `step` is being done */
    SPAWN_EXECUTED,   /* execve() succeeded */
    SPAWN_FAILED,     /* `step` failed */
    SPAWN_GONE,       /* the child was killed, or ended, before execve(); waitid tells how */
    SPAWN_STATE_MAX,
};

/* Something that was left out, since the surroundings do not allow it. */
struct spawn_degraded {
    char *directive; /* "ProtectSystem" */
    int error;       /* negative errno */
    char *object;    /* the path or name it was about; may be NULL */
};

/* How finding the program differs from executing it. */
enum spawn_exec_failure {
    SPAWN_EXEC_NONE,
    SPAWN_EXEC_LOCATE,  /* looked up before the credentials changed: no such file, no x bit */
    SPAWN_EXEC_EXECUTE, /* execve() itself, as the unit's user: interpreter, ENOEXEC, EACCES */
};

/* Zero-initialise; spawn_report_done() ends it. Or let spawn_report_new() make it. */
struct spawn_report {
    enum spawn_state state;
    /* 0 before the first step. A failure with step 0 is one that systemd has before it forks
     * (EnvironmentFile=, the descriptors of StandardInput=socket, the folders of PrivateTmp=):
     * Result=resources, and of the process nothing is recorded. So that no file is read by the
     * manager, the child does it here: where spawn_waits() says so, a start of Type=simple is
     * decided only when the report has ended. */
    enum exec_status step;
    int error; /* SPAWN_FAILED: negative errno */
    enum spawn_exec_failure exec;
    char *object;    /* the path, name or value that it choked on; may be NULL */
    char *directive; /* the setting that asked for it: "WorkingDirectory"; may be NULL */
    char *detail;    /* more for people: "getent did not answer within 10 s"; may be NULL */
    struct spawn_degraded *degraded;
    size_t n_degraded;
    uid_t uid; /* of the process, as set; -1 unless told */
    gid_t gid;
    uid_t dynamic_uid; /* DynamicUser= chose it; -1 */
    usec_t at;         /* CLOCK_MONOTONIC: when it was executed, or failed; 0 while unknown */
    bool lost;         /* there was no memory for a text, or for one of `degraded` */
    /* private */
    bool begun;
    char *part; /* of a record */
    size_t n_part;
};

/* Takes in what the pipe has so far, without blocking. A text that there is no memory for is lost,
 * not its record. Returns 1 when the pipe is at its end (state
 * is final, the descriptor can be closed), 0 when more may come, or a negative errno. */
int spawn_report_read(struct spawn_report *r, int report_fd);
void spawn_report_done(struct spawn_report *r);
/* NULL where memory is out. */
struct spawn_report *spawn_report_new(void);
/* Ends it, too. NULL is allowed, and returned. */
struct spawn_report *spawn_report_free(struct spawn_report *r);
DEFINE_AUTO(struct spawn_report, spawn_report_free, spawn_report_free)
#define auto_spawn_report _cleanup_(auto_spawn_report_free_p)

/* One line for people, in the words of systemd where it has words: "Changing to the requested
 * working directory failed: /srv/x: No such file or directory". A new string, NULL where memory is
 * out. For SPAWN_FAILED only. */
char *spawn_report_message(const struct spawn_report *r);
