/* diagnose/again.h -- running a unit that failed once more, watched. */
#pragma once

#include "diagnose/facts.h"

struct rerun {
    bool user;
    usec_t limit; /* it is watched at most so long */
    usec_t stay;  /* and at most so long after its start job is done; 0: as long as `limit` */
    bool force;   /* a unit that is active is stopped first */
    bool keep;    /* it may run on when the watching ends */
    /* Called every now and then; NULL: not. `tracer` is NULL where the manager may not be traced.
     * Whether to end now. */
    bool (*step)(const struct tracer *tracer, void *userdata);
    void *userdata;
};

/* Starts the unit through its own manager, so that nothing differs but the watching: the manager is
 * seized while it forks (ptrace(2)), what it executes for the unit is traced until it ends or the
 * time has passed, then everything is let go and the unit is stopped. The trace goes into the
 * facts. The state before is not restored beyond that: the unit's result is that of this run.
 *
 * Returns 1 if it ran; 0 if it may not be run here, with the reason in facts.blind (not root; the
 * manager may not be traced; the unit is active; there is no manager); or a negative errno. */
int facts_run_again(struct facts *f, const struct rerun *how);

/* The same untraced, for want of the right to: 1 or a negative errno. */
int facts_run_untraced(struct facts *f, const struct rerun *how);

/* VERB of the unit by its own manager, waited for: the exit status or a negative errno. */
int facts_tell_manager(const struct facts *f, bool user, const char *verb);
