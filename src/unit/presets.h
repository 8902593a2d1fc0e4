/* unit/presets.h -- the inside of struct unit_presets, for unit/config.c and unit/manager-config.c,
 * which fills in what the manager's configuration says. */
#pragma once

#include <stdbool.h>

#include "unit/config.h"

struct unit_presets {
    unsigned refs;
    bool user;
    void *groups[CONFIG_GROUP_MAX];
    struct sandbox_config service_sandbox; /* as groups[GROUP_SANDBOX], for services */
};
