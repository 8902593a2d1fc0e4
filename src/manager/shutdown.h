/* manager/shutdown.h -- how the manager comes to its end. */
#pragma once

#include "manager/manager.h"

/* Begins the ordered end: exit.target, poweroff.target ... with their deadline. If that cannot be,
 * ends at once. */
int manager_start_end(struct manager *m, enum manager_objective o);

/* SIGTERM, SIGINT, SIGHUP, SIGPWR, SIGRTMIN+n. 0 or a negative errno. */
int manager_watch_signals(struct manager *m);
