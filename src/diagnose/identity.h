/* diagnose/identity.h -- as whom a unit's processes run, computed from its settings. */
#pragma once

#include "base/access.h"
#include "diagnose/facts.h"

struct unit_identity {
    struct identity who;
    gid_t *groups; /* what who.groups points at */
    char *user;    /* the name; "root" for system units without User= */
    char *home;    /* NULL: not known */
    bool missing;  /* the user, or a group, does not exist */
};

/* The identity of the main process: User=, Group=, SupplementaryGroups=, AmbientCapabilities=,
 * CapabilityBoundingSet=. Of a user's unit: the caller's. Returns 0; -ESRCH where a name is unknown
 * (the rest is filled, `missing` is set); -ENOMEM. */
int unit_identity(struct facts *f, struct unit_identity *ret);
void unit_identity_done(struct unit_identity *i);
