/* manager/trigger.h -- what sockets, timers and paths have in common: a unit that they set off. */
#pragma once

#include "manager/state.h"
#include "manager/unit.h"

/* One state of such a type. */
struct trigger_state {
    const char *name; /* SubState= */
    enum active_state active;
};

/* State and result, by name and by number, for a hand-over. */
void trigger_save(struct state_writer *w, const struct trigger_state *state, uint8_t result);
/* Takes one of the two back. Returns 1, 0 where `key` is neither, -EINVAL for a value that is none
 * of the n_states and n_results; *state and *result are untouched then. */
int trigger_restore(const char *key, const char *value, const struct trigger_state *states,
                    size_t n_states, size_t n_results, uint8_t *state, uint8_t *result);

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
