/* Slices: folders of the cgroup tree (systemd.slice(5)). */
#include <errno.h>

#include "base/log.h"
#include "base/str.h"
#include "launch/track.h"
#include "manager/private.h"
#include "manager/simple.h"
#include "unit/config.h"

static bool is_perpetual(const struct unit *u)
{
    return streq(u->id, "-.slice") || (streq(u->id, "system.slice") && !u->manager->user);
}

static void slice_init(struct unit *u)
{
    if (!is_perpetual(u))
        return;
    u->perpetual = true;
    simple_unit(u)->active = true;
}

static int slice_load(struct unit *u)
{
    if (streq(u->id, "-.slice") || !u->config->unit->default_dependencies)
        return 0;
    return unit_add_shutdown_dependencies(u);
}

static int slice_start(struct unit *u)
{
    struct tracker *t;
    int r = unit_tracker(u, &t);

    if (r < 0) {
        unit_log_text(u, LOG_WARNING, "Cannot make the slice's cgroup: %s", strerror(-r));
        return r;
    }
    return simple_start(u);
}

static int slice_stop(struct unit *u)
{
    struct unit *other;

    simple_set(u, false);
    /* With its own cgroup go the empty ones in it, of which nobody would be told: also of units
     * that are of another slice by now. */
    MANAGER_FOREACH_UNIT(other, u->manager)
    if (other->ops->has_processes && inactive_or_failed(unit_active_state(other)))
        unit_drop_cgroup(other);
    if (u->tracker)
        (void) tracker_remove(u->tracker);
    return 1;
}

static const char *slice_sub_state(const struct unit *u)
{
    return simple_unit(u)->active ? "active" : "dead";
}

const struct unit_ops slice_ops = {
    .object_size = sizeof(struct simple_unit),
    .init = slice_init,
    .load = slice_load,
    .start = slice_start,
    .stop = slice_stop,
    .active_state = simple_active_state,
    .sub_state = slice_sub_state,
    .save = simple_save,
    .restore = simple_restore,
};
