/* manager/generators.h -- programs that write unit files before these are read
 * (systemd.generator(7)). They run in a process of their own, under a deadline. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct manager;

/* Empties the generators' folders, runs all generators, and calls `done` from the event loop when
 * they have ended, or were killed at the deadline; at once, before it returns, if there are none.
 * Returns 0, -EBUSY while some are running, or a negative errno (nothing was run then). */
int generators_run(struct manager *m, void (*done)(struct manager *m));
/* If that was the generators' process: goes on with what waited for it, and returns true. */
bool generators_exited(struct manager *m, pid_t pid, int code, int status);
void generators_drop(struct manager *m);
