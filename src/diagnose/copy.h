/* diagnose/copy.h -- a copy of the machine in which nothing that happens stays.
 *
 * Every file system is there below an overlay whose changes live in memory; processes, network, IPC
 * and cgroups are its own; reeve's manager is its PID 1, answers, and has started nothing yet.
 * Sockets by which the managers of the real machine could be asked for something are hidden, block
 * devices and what the kernel shares among all containers (the clock, modules, /proc/sys) are
 * closed. When its PID 1 dies all of it is gone, also if we are killed ourselves. Needs root and
 * overlayfs. */
#pragma once

#include <jansson.h>

#include "base/time.h"

struct copy;

/* Returns 0; or a negative errno with *ret_why, a new string: what could not be had. *ret_notes, to
 * be freed with strv_free(): the mounts that could only be shown read-only. */
int copy_new(struct copy **ret, char ***ret_notes, char **ret_why);
/* Ends it and waits until it is gone. NULL is allowed. */
void copy_free(struct copy *c);

/* Calls `f` in a process inside the copy, root there, with the deadline, and returns what it
 * returned. -ETIMEDOUT, -EPIPE where it ended without an answer. */
int copy_ask(struct copy *c, json_t *(*f)(void *userdata), void *userdata, usec_t timeout,
             json_t **ret);
