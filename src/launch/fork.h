/* launch/fork.h -- the fork into a unit's tracker. Used by launch/ only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "launch/track.h"

/* What the new process does; it exits with the value returned. */
typedef int (*fork_function)(void *userdata);

enum fork_flag {
    /* The process uses the memory of the caller, who waits until it has executed a program or
     * ended: for functions that do not wait for anything, and whose memory the caller frees. Where
     * that is not to be had, or fork_shares() says no, it is an ordinary fork. */
    FORK_SHARE = 1 << 0,
    FORK_NEW_PIDS = 1 << 1, /* the first process of a new PID namespace */
    /* With FORK_SHARE: of the caller's descriptors the process has no more than those below the end
     * of the slots. What it needs is in there: fork_fill_slots(). */
    FORK_SLOTS = 1 << 2,
};

/* Whether a process may share just now. On a busy machine a new process has its turn late, and
 * whoever waits for each of many waits most of the time: once that was long twice, the next ones
 * are ordinary ones, which nobody waits for. */
bool fork_shares(void);

/* The slots: some low numbers of descriptors that are kept free for what a process needs. A process
 * gets a copy of all descriptors, and execve(2) closes each of them; with thousands that takes
 * longer than all else that happens in between. One that needs none but low ones is spared it.
 * Call it before the caller opens what it keeps. Where the numbers are taken, or the kernel has no
 * close_range(2) (5.9), there are no slots, and nothing else differs. */
void fork_reserve_slots(void);

/* Puts duplicates of the descriptors into the slots and the duplicates' numbers in their place;
 * what is negative stays. Returns false, with nothing changed, where there are no slots or not
 * enough. */
bool fork_fill_slots(int *const *fds, size_t n);
/* Closes the duplicates. */
void fork_empty_slots(void);

/* Runs `f` in a new process, in the cgroup of cgroup_fd if that is not negative (where the kernel
 * does not do that itself: by a write to cgroup.procs). `flags`: of enum fork_flag. Returns the
 * pid, or a negative errno. */
pid_t fork_process(int cgroup_fd, unsigned flags, fork_function f, void *userdata, int *ret_pidfd);

/* The same for a process that belongs to the tracker's unit: in its cgroup (the one named
 * `subgroup` below it if that is not NULL), or below a new holder. Returns 0, or a negative errno.
 * The process has the caller's signal mask. */
int tracker_fork(struct tracker *t, const char *subgroup, unsigned flags, fork_function f,
                 void *userdata, pid_t *ret_pid, int *ret_pidfd);
