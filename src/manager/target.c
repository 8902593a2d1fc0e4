/* Targets: groups of units, and points to wait for (systemd.target(5)). */
#include <errno.h>

#include "base/str.h"
#include "manager/private.h"
#include "manager/simple.h"
#include "unit/config.h"

static int target_load(struct unit *u)
{
    struct unit *other;

    if (!u->config->unit->default_dependencies)
        return 0;
    /* The order after what it pulls in is added when that is loaded (unit_add_dependency()). */
    UNIT_FOREACH_ATOM(other, u, ATOM_TARGET_ORDERS)
    unit_queue_add(other, QUEUE_TARGET_ORDER);
    return unit_add_shutdown_dependencies(u);
}

static const char *target_sub_state(const struct unit *u)
{
    return simple_unit(u)->active ? "active" : "dead";
}

const struct unit_ops target_ops = {
    .object_size = sizeof(struct simple_unit),
    .load = target_load,
    .start = simple_start,
    .stop = simple_stop,
    .active_state = simple_active_state,
    .sub_state = target_sub_state,
    .save = simple_save,
    .restore = simple_restore,
};
