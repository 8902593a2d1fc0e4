/* launch/fork.h -- the fork into a unit's tracker. Used by spawn.c only. */
#pragma once

#include <sys/types.h>

#include "launch/track.h"

/* clone3() with a pidfd, into cgroup_fd if that is not negative (falling back to a fork and a write
 * to cgroup.procs). Returns the child's pid, 0 in the child, or a negative errno. */
pid_t fork_process(int cgroup_fd, int *ret_pidfd);

/* Forks a process that belongs to the tracker's unit: into its cgroup (the one named `subgroup`
 * below it if that is not NULL), or below a new holder. Returns 1 in the parent, 0 in the child,
 * or a negative errno. The child has the caller's signal mask and handlers. */
int tracker_fork(struct tracker *t, const char *subgroup, pid_t *ret_pid, int *ret_pidfd);
