/* unit/presets.h -- the inside of struct unit_presets, for unit/config.c and unit/manager-config.c,
 * which fills in what the manager's configuration says. */
#pragma once

#include <stdbool.h>

#include "unit/config.h"

/* In front of each group that units have for themselves. */
struct own_group {
    uint32_t refs;   /* units whose settings in it are the same */
    uint16_t group;  /* enum config_group */
    uint16_t recent; /* its place in the presets' `recent`, plus 1; 0: none */
    uint64_t values[];
};
#define RECENT_GROUPS 64

struct unit_presets {
    unsigned refs;
    bool user;
    void *groups[CONFIG_GROUP_MAX];
    struct sandbox_config service_sandbox;   /* as groups[GROUP_SANDBOX], for services */
    struct own_group *recent[RECENT_GROUPS]; /* that units read from now on may share; not owned */
};
