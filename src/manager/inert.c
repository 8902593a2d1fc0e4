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

/* Sockets, timers and paths set off the service of their own name unless they name another. */
static int trigger_load(struct unit *u)
{
    auto_free char *implied = NULL;
    const char *service = NULL;
    int r;

    if (u->type == UNIT_SOCKET)
        service = u->config->socket->service;
    else if (u->type == UNIT_TIMER)
        service = u->config->timer->unit;
    else if (u->type == UNIT_PATH)
        service = u->config->path->unit;
    if (isempty(service)) {
        r = unit_name_change_suffix(u->id, ".service", &implied);
        if (r < 0)
            return r;
        service = implied;
    }
    bool per_connection = u->type == UNIT_SOCKET && u->config->socket->accept;
    if (!per_connection) {
        r = unit_add_dependency_name(u, DEP_BEFORE, DEP_TRIGGERS, service);
        if (r < 0)
            return r;
    }
    if (!u->config->unit->default_dependencies)
        return 0;
    if (!u->manager->user) {
        r = unit_add_dependency_name(u, DEP_REQUIRES, DEP_AFTER, "sysinit.target");
        if (r < 0)
            return r;
    }
    return unit_add_shutdown_dependencies(u);
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

const struct unit_ops trigger_ops = {
    .object_size = sizeof(struct unit),
    .init = inert_init,
    .load = trigger_load,
    .start = inert_start,
    .stop = inert_stop,
    .active_state = inert_active_state,
    .sub_state = inert_sub_state,
};

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
