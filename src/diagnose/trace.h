/* diagnose/trace.h -- the failed system calls of a program, its threads and its children.
 *
 * Two ways, told apart by what the traced side may do. With a filter, which it installs itself
 * before its exec, the kernel stops it only at the calls in trace-calls.def, and every other call
 * costs next to nothing. Without (a process that may not install one: no CAP_SYS_ADMIN and no
 * NoNewPrivileges, or one that was seized while it ran) it stops at every call, and is slower.
 *
 * A process that has the filter must be traced to its end: without a tracer the filtered calls fail
 * with ENOSYS. Source: ptrace(2), seccomp(2). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/time.h"

struct tracer;

/* What kind of thing a call is about: which of the fields of the event are filled. */
enum trace_object {
    TRACE_NOTHING,
    TRACE_PATH,    /* path */
    TRACE_ADDRESS, /* address, family, port */
    TRACE_PROCESS, /* target */
    TRACE_OBJECT_MAX,
};

struct trace_event {
    const char *call; /* "openat" */
    char *text;       /* the call with its arguments: openat("/etc/x", O_RDONLY) */
    int error;        /* positive errno; 0 for the calls that are kept when they succeed */
    int64_t result;
    pid_t pid, tid;
    char comm[16];
    usec_t since_exec;  /* since the last execve() of the process; since the start before one */
    usec_t since_start; /* since tracing began */
    unsigned count;     /* how often the same call failed in the same way; times are the first's */
    enum trace_object object;
    char *path;            /* absolute, as far as the folder it is relative to was known */
    int flags;             /* of open: O_* */
    char *address;         /* "0.0.0.0:80", "/run/x.sock", "netlink" */
    int family;            /* AF_*; also for socket() */
    unsigned port;         /* 0: none */
    bool udp;              /* the port is one of UDP */
    bool killed_by_filter; /* the process died by this call: its seccomp filter killed it */
};

enum trace_end {
    TRACE_RUNNING,
    TRACE_EXITED,   /* status */
    TRACE_SIGNALED, /* signal */
};

/* What becomes known of the root process: the one that was seized. */
struct trace_root {
    enum trace_end end;
    int status; /* exit status or signal */
    bool core;
    bool executed; /* an execve() succeeded */
};

int tracer_new(struct tracer **ret);
/* Kills what is still traced with a filter; lets go of the rest. */
void tracer_free(struct tracer *t);

/* In the process to be traced, after fork() and before its last exec: installs the filter. Needs
 * CAP_SYS_ADMIN or NoNewPrivileges; -EACCES without. May be called while privileged, before the
 * identity is changed: the filter stays. */
int trace_filter_install(void);

/* Seizes `pid`, which has to exist and not be traced yet, as the root process. With `filter`, it
 * has installed the filter, or is about to (it should be stopped, or wait for us, until this
 * returned). Its future children and threads are traced too. Returns 0; -EPERM where it may not be
 * traced. */
int tracer_seize(struct tracer *t, pid_t pid, bool filter);

/* Seizes a service manager in place of a program: it is stopped only while it forks, and let go
 * again by tracer_release_manager(). What it forks is watched from its execve() on, if `wanted`
 * says so of its pid then (asked again at each execve()): 1 it is watched, 0 it is let go, -1 it
 * is still a part of the manager, and what it executes is asked about. With `filter`,
 * a program gets the filter as it begins, where it may have one and has none of its own; it has to
 * be traced to its end then. Returns as tracer_seize(). */
int tracer_seize_manager(struct tracer *t, pid_t manager, bool filter,
                         int (*wanted)(pid_t pid, void *userdata), void *userdata);
/* Whether there were programs that got it. */
bool tracer_has_filtered(const struct tracer *t);
void tracer_release_manager(struct tracer *t);

/* Sends `signal`, 1 to 64, to those processes that are watched and have not had it yet. A manager
 * that signals all of a cgroup does not see the child whose fork is under way; a process that is
 * stopped for its tracer forks slowly enough for that. */
void tracer_signal_rest(struct tracer *t, int signal);

/* Lets go of everything that is traced: without a filter it runs on, else it is killed. The events
 * stay. */
void tracer_let_go(struct tracer *t);

/* How many watched processes and threads there are; *ret_executed: how many ever executed a
 * program. */
size_t tracer_watched(const struct tracer *t, size_t *ret_executed);

/* A process that the seized manager forked and that executed a program of the unit: a command.
 * Times are since tracing began. */
struct trace_process {
    pid_t pid;
    char *command; /* its command line as text; NULL: it cannot be read */
    usec_t forked, executed, ended;
    int status; /* of waitpid(2), once it is over */
    bool over;
};
/* In the order in which they were executed; valid until tracer_run() is called again. */
const struct trace_process *tracer_processes(const struct tracer *t, size_t *ret_n);

/* For a process whose only children are traced ones: it waits for all there are.
 * Handles what the traced processes reported; waits for it up to `timeout` (0: does not wait).
 * Returns 1 if something is still traced, 0 if nothing is, or a negative errno. */
int tracer_run(struct tracer *t, usec_t timeout);

const struct trace_root *tracer_root(const struct tracer *t);

/* The events so far, in the order of their first occurrence. The tracer owns them. Bounded: what
 * was left out is counted. */
const struct trace_event *tracer_events(const struct tracer *t, size_t *ret_n, size_t *ret_dropped);

/* Whether the call failed (a few are kept when they succeed, and connections in progress). */
bool trace_event_is_failure(const struct trace_event *e);

/* Whether the error says something about why a program failed, or is only how programs look for
 * optional files (the loader's search, locale, terminal checks). A rule of thumb for sorting; what
 * is not telling is kept all the same. */
bool trace_event_is_telling(const struct trace_event *e);

/* A tracer that traces nothing and has these events, recorded before; it takes the array over, also
 * on failure. For tests. */
int tracer_adopt(struct trace_event *events, size_t n, struct tracer **ret);
