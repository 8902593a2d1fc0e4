/* Unit types that are loaded but not run yet, and what exists without being run: mounts, devices.
 *
 * A start of a unit that is not run says so and ends "unsupported", as systemd does for types that
 * a machine does not support: what merely wants it goes on, what requires it fails with a reason.
 * A mount that is there, and a device whose node is there, are active. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "manager/private.h"
#include "manager/simple.h"
#include "unit/config.h"
#include "unit/name.h"

static void inert_init(struct unit *u)
{
    u->not_yet_run = true;
}

static const char *inert_sub_state(const struct unit *u)
{
    return "dead";
}

static enum active_state inert_active_state(const struct unit *u)
{
    return ACTIVE_INACTIVE;
}

static int inert_start(struct unit *u)
{
    return -EOPNOTSUPP;
}

static int inert_stop(struct unit *u)
{
    return -EALREADY;
}

const struct unit_ops inert_ops = {
    .object_size = sizeof(struct unit),
    .init = inert_init,
    .start = inert_start,
    .stop = inert_stop,
    .active_state = inert_active_state,
    .sub_state = inert_sub_state,
};

/* ---- devices ---- */

static void look_for_device(struct unit *u)
{
    auto_free char *path = NULL;
    struct stat st;

    if (unit_name_to_path(u->id, &path) < 0)
        return;
    simple_unit(u)->active = lstat(path, &st) == 0;
}

/* Without udev there is nobody to tell of new devices: the node is looked for when it matters. */
static int device_coldplug(struct unit *u)
{
    look_for_device(u);
    return 0;
}

static int device_start(struct unit *u)
{
    look_for_device(u);
    if (!simple_unit(u)->active)
        return -EOPNOTSUPP;
    simple_unit(u)->active = false;
    return simple_start(u);
}

static const char *device_sub_state(const struct unit *u)
{
    return simple_unit(u)->active ? "plugged" : "dead";
}

const struct unit_ops device_ops = {
    .object_size = sizeof(struct simple_unit),
    .coldplug = device_coldplug,
    .start = device_start,
    .active_state = simple_active_state,
    .sub_state = device_sub_state,
};
