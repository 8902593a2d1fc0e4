#include "manager/provided.h"

#include <errno.h>
#include <stddef.h>

#include "base/str.h"
#include "manager/unit.h"

static const struct {
    const char *name, *description;
} rows[] = {
    { "init.scope", "System and Service Manager" },
    { "-.mount", "Root Mount" },
    { "systemd-journald.service", "Journal Service (by reeve itself)" },
    { "systemd-journald.socket", "Journal Sockets (by reeve itself)" },
    { "systemd-journald-dev-log.socket", "Journal Socket /dev/log (by reeve itself)" },
    { "systemd-journald-audit.socket", "Journal Audit Socket (not used)" },
    { "systemd-journal-flush.service", "Flush Journal to Persistent Storage (by reeve itself)" },
    { "systemd-journal-catalog-update.service", "Journal Catalog (not used)" },
};

static int row_of(const char *name)
{
    for (size_t i = 0; i < ELEMENTSOF(rows); i++)
        if (streq(rows[i].name, name))
            return (int) i;
    return -1;
}

bool provided_find(const char *name)
{
    return row_of(name) >= 0;
}

const char *provided_description(const char *name)
{
    int i = row_of(name);

    return i < 0 ? NULL : rows[i].description;
}

static void provided_init(struct unit *u)
{
    u->perpetual = true;
}

static enum active_state provided_active_state(const struct unit *u)
{
    return ACTIVE_ACTIVE;
}

static const char *provided_sub_state(const struct unit *u)
{
    switch ((enum unit_type) u->type) {
    case UNIT_MOUNT:
        return "mounted";
    case UNIT_SOCKET:
    case UNIT_SERVICE:
    case UNIT_SCOPE:
        return "running";
    case UNIT_SWAP:
    case UNIT_TARGET:
    case UNIT_DEVICE:
    case UNIT_AUTOMOUNT:
    case UNIT_TIMER:
    case UNIT_PATH:
    case UNIT_SLICE:
    case UNIT_TYPE_MAX:
        break;
    }
    return "active";
}

const struct unit_ops provided_ops = {
    .object_size = sizeof(struct unit),
    .init = provided_init,
    .active_state = provided_active_state,
    .sub_state = provided_sub_state,
};
