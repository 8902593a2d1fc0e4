/* launch/fork.h -- the fork into a unit's tracker. Used by launch/ only. */
#pragma once

#include <sys/types.h>

#include "launch/track.h"

/* What the new process does; it exits with the value returned. */
typedef int (*fork_function)(void *userdata);

enum fork_flag {
    /* The process uses the memory of the caller, who waits until it has executed a program or
     * ended: for functions that do not wait for anything, and whose memory the caller frees. Where
     * that is not to be had it is an ordinary fork. */
    FORK_SHARE = 1 << 0,
    FORK_NEW_PIDS = 1 << 1, /* the first process of a new PID namespace */
};

/* Runs `f` in a new process, in the cgroup of cgroup_fd if that is not negative (where the kernel
 * does not do that itself: by a write to cgroup.procs). `flags`: of enum fork_flag. Returns the
 * pid, or a negative errno. */
pid_t fork_process(int cgroup_fd, unsigned flags, fork_function f, void *userdata, int *ret_pidfd);

/* The same for a process that belongs to the tracker's unit: in its cgroup (the one named
 * `subgroup` below it if that is not NULL), or below a new holder. Returns 0, or a negative errno.
 * The process has the caller's signal mask. */
int tracker_fork(struct tracker *t, const char *subgroup, unsigned flags, fork_function f,
                 void *userdata, pid_t *ret_pid, int *ret_pidfd);
