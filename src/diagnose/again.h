/* diagnose/again.h -- running a unit that failed once more, watched. */
#pragma once

#include "diagnose/facts.h"

/* Starts the unit through its own manager, so that nothing differs but the watching: the manager is
 * seized while it forks (ptrace(2)), what it executes for the unit is traced until it ends or
 * `limit` has passed, then everything is let go and the unit is stopped. The trace goes into the
 * facts. The state before is not restored beyond that: the unit's result is that of this run.
 *
 * Returns 1 if it ran; 0 if it may not be run here, with the reason in facts.blind (not root; the
 * manager may not be traced; the unit is active; there is no manager); or a negative errno. */
int facts_run_again(struct facts *f, bool user, usec_t limit);
