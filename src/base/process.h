/* base/process.h -- what /proc says about a process, and pidfds.
 *
 * Unless said otherwise a process that is gone is -ESRCH. Pids are those of our own pid namespace.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct process_stat {
    char comm[64]; /* as in /proc/PID/stat, without parentheses */
    char state;    /* R, S, D, Z ... (proc(5)) */
    pid_t ppid, pgrp, session;
    uint64_t start_ticks; /* start time in clock ticks after boot: tells a reused pid */
    uint64_t utime_ticks, stime_ticks;
    uint64_t threads, rss_pages;
};

int process_stat(pid_t pid, struct process_stat *ret);

/* /proc/PID/comm. */
int process_comm(pid_t pid, char **ret);

/* The command line as text for people: arguments quoted where needed, "[comm]" for a kernel thread
 * or a process without one. */
int process_command_line(pid_t pid, char **ret);

/* The raw arguments, a string array. */
int process_argv(pid_t pid, char ***ret);

struct process_ids {
    uid_t uid, euid;
    gid_t gid, egid;
};
int process_ids(pid_t pid, struct process_ids *ret);

/* The path of its unified (v2) cgroup, e.g. "/system.slice/x.service". -ENODATA without one. */
int process_cgroup(pid_t pid, char **ret);

/* The target of /proc/PID/exe. */
int process_exe(pid_t pid, char **ret);

/* The target of the link `name` in /proc/PID as the process itself names it, from
 * its own root on: another mount namespace's files are told from the top of the whole tree, which
 * in a chroot is not what anybody there can see. */
int process_link(pid_t pid, const char *name, char **ret);

/* The value of a variable in the environment that the process was started with. -ENOENT if it is
 * not there. */
int process_getenv(pid_t pid, const char *name, char **ret);

/* Whether it exists and is no zombie. */
bool process_is_alive(pid_t pid);

/* Whether it is a kernel thread; negative errno on failure. */
int process_is_kernel_thread(pid_t pid);

/* pidfd_open(2), CLOEXEC: the descriptor or a negative errno (-ENOSYS before Linux 5.3). */
int pidfd_from_pid(pid_t pid);
/* pidfd_send_signal(2): 0 or a negative errno. */
int pidfd_signal(int pidfd, int signo);
/* The pid behind a pidfd (/proc/self/fdinfo), -ESRCH once it was reaped. */
int pidfd_to_pid(int pidfd, pid_t *ret);
