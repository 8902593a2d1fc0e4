/* What follows from a service's settings, and with which settings it cannot run. */
#include <errno.h>

#include "base/str.h"
#include "manager/service.h"
#include "unit/directive.h"

static bool is_set(const struct unit_config *c, const char *name)
{
    const struct directive *d = directive_find_property(UNIT_SERVICE, name);

    return d && directive_is_set(c, d);
}

/* Type= that nobody set: dbus with a BusName=, oneshot without ExecStart=, else simple. */
static enum service_type implied_type(const struct unit_config *c)
{
    const struct service_config *s = c->service;

    if (s->type != SERVICE_TYPE_SIMPLE || (!s->bus_name && s->exec_start) || is_set(c, "Type"))
        return s->type;
    return s->bus_name ? SERVICE_TYPE_DBUS : SERVICE_TYPE_ONESHOT;
}

/* Who notifies at all needs access: Type=notify, a watchdog, a descriptor store. */
static enum notify_access implied_access(const struct service_config *s, enum service_type type)
{
    bool notifies = type == SERVICE_TYPE_NOTIFY || type == SERVICE_TYPE_NOTIFY_RELOAD ||
                    (s->watchdog_sec > 0 && s->watchdog_sec != USEC_INFINITY) ||
                    s->file_descriptor_store_max > 0;

    return s->notify_access == NOTIFY_ACCESS_NONE && notifies ? NOTIFY_ACCESS_MAIN
                                                              : s->notify_access;
}

/* Settings whose default depends on others (systemd.service(5)). */
static int imply_settings(struct unit *u)
{
    const struct service_config *s = u->config->service;
    enum service_type type = implied_type(u->config);
    enum notify_access access = implied_access(s, type);
    bool no_timeout = type == SERVICE_TYPE_ONESHOT && s->timeout_start_sec != USEC_INFINITY &&
                      !is_set(u->config, "TimeoutStartSec") && !is_set(u->config, "TimeoutSec");
    bool delegates = s->oom_policy != OOM_POLICY_CONTINUE && u->config->cgroup->delegate.enabled &&
                     !is_set(u->config, "OOMPolicy");
    bool capped = s->restart_max_delay_sec < s->restart_sec;

    if (type == s->type && access == s->notify_access && !no_timeout && !delegates && !capped)
        return 0;
    struct service_config *own = unit_config_own(u->config, GROUP_SERVICE);
    if (!own)
        return -ENOMEM;
    own->type = (unsigned char) type;
    own->notify_access = (unsigned char) access;
    if (no_timeout)
        own->timeout_start_sec = USEC_INFINITY;
    if (delegates)
        own->oom_policy = OOM_POLICY_CONTINUE;
    if (capped) {
        unit_log_text(u, LOG_WARNING,
                      "RestartMaxDelaySec= has a value smaller than RestartSec=, resetting "
                      "RestartSec= to RestartMaxDelaySec=.");
        own->restart_sec = own->restart_max_delay_sec;
    }
    return 0;
}

/* With these the unit is not used at all. */
static int refuse_settings(struct unit *u)
{
    const struct service_config *s = u->config->service;
    bool oneshot = s->type == SERVICE_TYPE_ONESHOT;
    bool acts = u->config->unit->success_action != EMERGENCY_ACTION_NONE;
    enum kill_mode kill = u->config->kill->kill_mode;

    if (!s->exec_start && !s->exec_stop && !acts)
        return unit_load_fault(
            u, "Service has no ExecStart=, ExecStop=, or SuccessAction=. Refusing.");
    if (!oneshot && !s->exec_start)
        return unit_load_fault(u, "Service has no ExecStart= setting, which is only allowed for "
                                  "Type=oneshot services. Refusing.");
    if (!s->remain_after_exit && !s->exec_start && !acts)
        return unit_load_fault(u, "Service has no ExecStart= and no SuccessAction= settings and "
                                  "does not have RemainAfterExit=yes set. Refusing.");
    if (!oneshot && s->exec_start->next)
        return unit_load_fault(u, "Service has more than one ExecStart= setting, which is only "
                                  "allowed for Type=oneshot services. Refusing.");
    if (oneshot && (s->restart == RESTART_ALWAYS || s->restart == RESTART_ON_SUCCESS))
        return unit_load_fault(u, "Service has Restart= set to either always or on-success, which "
                                  "isn't allowed for Type=oneshot services. Refusing.");
    if (oneshot && s->restart_force_exit_status)
        return unit_load_fault(u, "Service has RestartForceExitStatus= set, which isn't allowed "
                                  "for Type=oneshot services. Refusing.");
    if (oneshot && s->exit_type == EXIT_TYPE_CGROUP)
        return unit_load_fault(u, "Service has ExitType=cgroup set, which isn't allowed for "
                                  "Type=oneshot services. Refusing.");
    if (s->type == SERVICE_TYPE_DBUS && !s->bus_name)
        return unit_load_fault(u, "Service is of type D-Bus but no D-Bus service name has been "
                                  "specified. Refusing.");
    if (u->config->sandbox->pam_name && kill != KILL_MODE_CONTROL_GROUP && kill != KILL_MODE_MIXED)
        return unit_load_fault(u, "Service has PAM enabled. Kill mode must be set to "
                                  "'control-group' or 'mixed'. Refusing.");
    return 0;
}

/* With these it runs, and something in them has no effect. */
static void warn_of_settings(struct unit *u)
{
    const struct service_config *s = u->config->service;

    if (s->runtime_max_sec != USEC_INFINITY && s->type == SERVICE_TYPE_ONESHOT)
        unit_log_text(u, LOG_WARNING,
                      "RuntimeMaxSec= has no effect in combination with "
                      "Type=oneshot. Ignoring.");
    if (s->runtime_max_sec == USEC_INFINITY && s->runtime_randomized_extra_sec != 0)
        unit_log_text(u, LOG_WARNING,
                      "Service has RuntimeRandomizedExtraSec= setting, but no "
                      "RuntimeMaxSec=. Ignoring.");
    if (s->restart_max_delay_sec == USEC_INFINITY && s->restart_steps > 0)
        unit_log_text(u, LOG_WARNING,
                      "Service has RestartSteps= but no RestartMaxDelaySec= "
                      "setting. Ignoring.");
    if (s->restart_max_delay_sec != USEC_INFINITY && s->restart_steps == 0)
        unit_log_text(u, LOG_WARNING,
                      "Service has RestartMaxDelaySec= but no RestartSteps= "
                      "setting. Ignoring.");
    if (s->type == SERVICE_TYPE_DBUS)
        unit_log_text(u, LOG_INFO,
                      "Type=dbus: bus names are not watched, so the service counts as started "
                      "when its program is executed.");
}

int service_load(struct unit *u)
{
    int r = imply_settings(u);

    if (r >= 0)
        r = refuse_settings(u);
    if (r < 0)
        return r;
    warn_of_settings(u);

    r = unit_add_exec_dependencies(u);
    if (r >= 0 && u->config->unit->default_dependencies)
        r = unit_add_start_dependencies(u);
    if (r >= 0 && u->config->service->bus_name)
        r = unit_add_dependency_name(u, DEP_REQUIRES, DEP_AFTER, "dbus.socket");
    return r < 0 ? r : 0;
}
