/* manager/trigger.h -- what sockets, timers and paths have in common: a unit that they set off. */
#pragma once

#include "manager/unit.h"

/* Adds the dependencies on the unit that is set off: `named` by the file, or the service of the
 * trigger's own name where that is NULL or empty. Returns 0 or a negative errno. */
int trigger_add_unit(struct unit *u, const char *named);

/* DefaultDependencies= of triggers (systemd.timer(5), systemd.path(5), systemd.socket(5)): before
 * `target` ("timers.target"), after sysinit.target, stopped at shutdown. Returns 0 or a negative
 * errno. */
int trigger_add_default_dependencies(struct unit *u, const char *target);

/* The unit that is set off; NULL for none (sockets with Accept=yes). */
struct unit *trigger_unit(const struct unit *u);

/* Property Unit=. */
int trigger_get_unit(const struct unit *u, struct property_value *v);

/* Whether the unit that is set off can be: loaded. Returns 0, or -ENOENT (logged). */
int trigger_check_unit(struct unit *u);

/* Queues the start of the unit that is set off. `environment`: what that one's commands get to know
 * ("TRIGGER_PATH=..."), besides TRIGGER_UNIT=; NULL: nothing at all. Returns 0, or a negative errno
 * (logged) where there is nothing to start or its job is refused. */
int trigger_fire(struct unit *u, char *const *environment);
