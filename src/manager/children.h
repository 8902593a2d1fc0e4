/* manager/children.h -- processes that have ended.
 *
 * docs/architecture.md, "Order of truth": a child is looked at before it is reaped (waitid(2),
 * WNOWAIT), so that /proc can be read; what it has sent to its notify socket is taken in, and the
 * collector is asked to take in what it has written, before the unit is told of its end. Children
 * that nobody knows, adopted orphans, are reaped at once. */
#pragma once

#include "launch/track.h"

struct manager;

/* Begins to take in SIGCHLD. 0 or a negative errno. */
int manager_watch_children(struct manager *m);
/* Looks at all children that have ended. */
void manager_reap(struct manager *m);
/* After the loss of the manager before this one: watches the processes that units have by pidfd,
 * and ends those that are gone. */
void manager_watch_aliens(struct manager *m);
/* Ends what waits for a barrier, without telling the units (the manager is being freed). */
void manager_drop_pending_exits(struct manager *m);

/* For track_events. */
void manager_tracked_exit(struct tracker *t, const struct track_exit *e, void *userdata);
void manager_tracked_empty(struct tracker *t, void *userdata);
