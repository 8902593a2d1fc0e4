/* What follows from a service's settings for the manager. What they have to be like, and what
 * follows from them for other settings, is unit/derive.c. */
#include <errno.h>

#include "base/strv.h"
#include "manager/service.h"

/* systemd.service(5), RestartMaxDelaySec=: never longer, the first delay included. */
static int cap_restart_delay(struct unit *u)
{
    const struct service_config *s = u->config->service;

    if (s->restart_max_delay_sec >= s->restart_sec)
        return 0;
    struct service_config *own = unit_config_own(u->config, GROUP_SERVICE);
    if (!own)
        return -ENOMEM;
    unit_log_text(u, LOG_WARNING,
                  "RestartMaxDelaySec= has a value smaller than RestartSec=, resetting RestartSec= "
                  "to RestartMaxDelaySec=.");
    own->restart_sec = own->restart_max_delay_sec;
    return 0;
}

int service_load(struct unit *u)
{
    const struct service_config *s = u->config->service;
    int r = cap_restart_delay(u);

    if (r < 0)
        return r;
    if (s->type == SERVICE_TYPE_DBUS)
        unit_log_text(u, LOG_INFO,
                      "Type=dbus: bus names are not watched, so the service counts as started "
                      "when its program is executed.");

    r = unit_add_exec_dependencies(u);
    if (r >= 0 && u->config->unit->default_dependencies)
        r = unit_add_start_dependencies(u);
    STRV_FOREACH (socket, s->sockets) {
        if (r >= 0)
            r = unit_add_dependency_name(u, DEP_WANTS, DEP_AFTER, *socket);
        if (r >= 0)
            r = unit_add_dependency_name(u, DEP_TRIGGERED_BY, DEPENDENCY_KIND_MAX, *socket);
    }
    if (r >= 0 && s->type == SERVICE_TYPE_DBUS)
        r = unit_add_dependency_name(u, DEP_REQUIRES, DEP_AFTER, "dbus.socket");
    return r < 0 ? r : 0;
}
