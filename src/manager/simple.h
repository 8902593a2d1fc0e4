/* manager/simple.h -- the state of unit types that are either up or not: targets, slices, mounts as
 * they are found, and types that are not run yet. */
#pragma once

#include "manager/unit.h"

struct simple_unit {
    struct unit unit;
    bool active;
    bool tainted; /* mount: seen in this reading of the mount table */
};

static inline struct simple_unit *simple_unit(const struct unit *u)
{
    return (struct simple_unit *) u;
}

enum active_state simple_active_state(const struct unit *u);
/* Changes the state and tells. */
void simple_set(struct unit *u, bool active);
int simple_start(struct unit *u);
int simple_stop(struct unit *u);
int simple_save(const struct unit *u, struct state_writer *w);
int simple_restore(struct unit *u, const char *key, const char *value, struct state_reader *r);
