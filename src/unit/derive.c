#include "unit/derive.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <syslog.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "unit/config.h"
#include "unit/directive.h"
#include "unit/name.h"

static const struct directive *row(const struct unit_config *c, const char *name)
{
    return directive_find_property((enum unit_type) c->type, name);
}

static bool is_set(const struct unit_config *c, const char *name)
{
    return directive_is_set(c, row(c, name));
}

/* Derived values are written only where they differ, so that a unit shares what it can. */
#define OWN(c, group, type) ((struct type *) unit_config_own((c), (group)))

static int derive_type(struct unit_config *c)
{
    const struct service_config *s = c->service;
    int type = s->bus_name     ? SERVICE_TYPE_DBUS
               : s->exec_start ? SERVICE_TYPE_SIMPLE
                               : SERVICE_TYPE_ONESHOT;

    if (is_set(c, "Type") || s->type == type)
        return 0;
    struct service_config *own = OWN(c, GROUP_SERVICE, service_config);
    if (!own)
        return -ENOMEM;
    own->type = (unsigned char) type;
    return 0;
}

/* systemd.exec(5): standard output and error follow an input that can be written to. */
static int derive_stdio(struct unit_config *c)
{
    const struct exec_config *e = c->exec, *preset = unit_presets_group(c->presets, GROUP_EXEC);
    unsigned char input = e->standard_input.kind, output = e->standard_output.kind;

    if (!(c->owned & 1u << GROUP_EXEC))
        return 0;
    struct exec_config *own = OWN(c, GROUP_EXEC, exec_config);
    if (!own)
        return -ENOMEM;
    if (input == EXEC_INPUT_NULL && e->standard_input_data)
        own->standard_input.kind = input = EXEC_INPUT_DATA;
    bool two_way = input == EXEC_INPUT_TTY || input == EXEC_INPUT_TTY_FORCE ||
                   input == EXEC_INPUT_TTY_FAIL || input == EXEC_INPUT_SOCKET ||
                   input == EXEC_INPUT_FD;
    bool output_set = is_set(c, "StandardOutput");
    if (two_way && !output_set)
        own->standard_output.kind = EXEC_OUTPUT_INHERIT;
    if (two_way)
        return 0;
    bool inherits = !output_set || output == EXEC_OUTPUT_INHERIT;
    if (inherits && e->standard_error.kind == EXEC_OUTPUT_INHERIT)
        own->standard_error.kind = preset->standard_error.kind;
    if (inherits)
        own->standard_output.kind = preset->standard_output.kind;
    return 0;
}

static int derive_service(struct unit_config *c)
{
    int r = derive_type(c);

    if (r < 0)
        return r;
    const struct service_config *s = c->service;
    bool no_start_timeout = s->type == SERVICE_TYPE_ONESHOT && !is_set(c, "TimeoutStartSec") &&
                            s->timeout_start_sec != USEC_INFINITY;
    bool watchdog = s->watchdog_sec > 0;
    bool needs_access = s->notify_access == NOTIFY_ACCESS_NONE &&
                        (s->type == SERVICE_TYPE_NOTIFY || s->type == SERVICE_TYPE_NOTIFY_RELOAD ||
                         watchdog || s->file_descriptor_store_max > 0);
    bool survives_oom = !is_set(c, "OOMPolicy") && c->cgroup->delegate.enabled &&
                        s->oom_policy != OOM_POLICY_CONTINUE;
    bool abort_unset = s->timeout_abort_sec == USEC_UNSET;

    bool clamped = s->restart_max_delay_sec < s->restart_sec;

    if (no_start_timeout || needs_access || survives_oom || abort_unset || clamped) {
        struct service_config *own = OWN(c, GROUP_SERVICE, service_config);

        if (!own)
            return -ENOMEM;
        if (no_start_timeout)
            own->timeout_start_sec = USEC_INFINITY;
        if (needs_access)
            own->notify_access = NOTIFY_ACCESS_MAIN;
        if (survives_oom)
            own->oom_policy = OOM_POLICY_CONTINUE;
        if (clamped)
            own->restart_sec = own->restart_max_delay_sec;
        if (abort_unset)
            own->timeout_abort_sec = own->timeout_stop_sec;
    }
    return derive_stdio(c);
}

/* systemd.unit(5), JobTimeoutSec=: the running time is limited as well, unless set by itself. */
static int derive_job_timeout(struct unit_config *c)
{
    if (!is_set(c, "JobTimeoutSec") || is_set(c, "JobRunningTimeoutSec"))
        return 0;
    struct unit_section *own = OWN(c, GROUP_UNIT, unit_section);
    if (!own)
        return -ENOMEM;
    own->job_running_timeout_sec = own->job_timeout_sec;
    return 0;
}

/* Isolating leaves alone what is no activity, unless a file says otherwise: a mount also where it
 * has none. */
static int derive_kept_on_isolate(struct unit_config *c)
{
    static const unsigned kept = 1U << UNIT_MOUNT | 1U << UNIT_AUTOMOUNT | 1U << UNIT_SWAP |
                                 1U << UNIT_DEVICE | 1U << UNIT_SLICE | 1U << UNIT_SCOPE;

    if (!(kept & 1U << c->type) || is_set(c, "IgnoreOnIsolate"))
        return 0;
    struct unit_section *unit = OWN(c, GROUP_UNIT, unit_section);
    if (!unit)
        return -ENOMEM;
    unit->ignore_on_isolate = true;
    return 0;
}

/* Slices have no limit of tasks by default, and their place in the tree for a description. */
static int derive_slice(struct unit_config *c)
{
    struct unit_section *unit = OWN(c, GROUP_UNIT, unit_section);
    struct cgroup_config *cgroup = OWN(c, GROUP_CGROUP, cgroup_config);
    auto_free char *path = NULL;

    if (!unit || !cgroup)
        return -ENOMEM;
    if (!is_set(c, "TasksMax"))
        cgroup->tasks_max = SIZE_INFINITY;
    if (!unit->description && unit_name_to_path(c->name, &path) >= 0)
        unit->description = format("Slice %s", path);
    return 0;
}

int unit_derive(struct unit_config *c)
{
    int r = derive_kept_on_isolate(c);

    if (r < 0 || (c->load_state != LOAD_LOADED && c->load_state != LOAD_BAD_SETTING))
        return r;
    r = derive_job_timeout(c);
    if (r < 0)
        return r;
    if (c->type == UNIT_SERVICE)
        return derive_service(c);
    return c->type == UNIT_SLICE ? derive_slice(c) : 0;
}

/* Where a setting was last made, for messages about the unit as a whole. */
static void message_at(struct unit_config *c, int level, const char *name, const char *remedy,
                       const char *text)
{
    const struct directive *d = name ? row(c, name) : NULL;
    const struct provenance *p = NULL;

    for (unsigned i = 0; d && i < c->n_provenance; i++)
        if (&directives[c->provenance[i].directive] == d)
            p = &c->provenance[i];
    unit_config_message(c, level, p ? unit_config_file(c, p->file) : c->fragment_path,
                        p ? p->line : 0, d ? directive_section(d, (enum unit_type) c->type) : NULL,
                        name, remedy, "%s", text);
}

static int refuse(struct unit_config *c, const char *name, const char *remedy, const char *text)
{
    char *error = format("Unit %s has a bad unit file setting.", c->name);

    if (!error)
        return -ENOMEM;
    message_at(c, LOG_ERR, name, remedy, text);
    c->load_state = LOAD_BAD_SETTING;
    c->load_errno = -ENOEXEC;
    free(c->load_error);
    c->load_error = error;
    return 0;
}

static int verify_service_commands(struct unit_config *c)
{
    const struct service_config *s = c->service;
    bool oneshot = s->type == SERVICE_TYPE_ONESHOT;
    bool action = c->unit->success_action != EMERGENCY_ACTION_NONE;

    if (!s->exec_start && !s->exec_stop && !action)
        return refuse(c, NULL, "add ExecStart= with the program that is to run",
                      "the service has neither ExecStart= nor ExecStop= nor SuccessAction=");
    if (!oneshot && !s->exec_start)
        return refuse(c, "Type", "add ExecStart=, or set Type=oneshot and RemainAfterExit=yes",
                      "the service has no ExecStart=, which only Type=oneshot may leave out");
    if (!s->remain_after_exit && !s->exec_start && !action)
        return refuse(c, NULL, "set RemainAfterExit=yes, or add ExecStart=",
                      "the service has no ExecStart= and would end at once: RemainAfterExit=yes is "
                      "missing");
    if (!oneshot && s->exec_start->next)
        return refuse(
            c, "ExecStart",
            "set Type=oneshot for commands that run one after the other; in a drop-in that "
            "replaces the command put an empty ExecStart= before it",
            "the service has more than one ExecStart=, which only Type=oneshot allows");
    return 0;
}

static int verify_service(struct unit_config *c)
{
    const struct service_config *s = c->service;
    int r = verify_service_commands(c);

    if (r < 0 || c->load_state != LOAD_LOADED)
        return r;
    if (s->type == SERVICE_TYPE_ONESHOT &&
        (s->restart == RESTART_ALWAYS || s->restart == RESTART_ON_SUCCESS))
        return refuse(c, "Restart", "use Restart=on-failure, or a timer unit",
                      "Restart=always and on-success are not allowed for Type=oneshot");
    if (s->type == SERVICE_TYPE_ONESHOT && s->exit_type == EXIT_TYPE_CGROUP)
        return refuse(c, "ExitType", "leave ExitType= out",
                      "ExitType=cgroup is not allowed for Type=oneshot");
    if (s->type == SERVICE_TYPE_DBUS && !s->bus_name)
        return refuse(c, "Type", "add BusName= with the name that the program takes",
                      "Type=dbus needs BusName=");
    if (c->sandbox->pam_name && c->kill->kill_mode != KILL_MODE_CONTROL_GROUP &&
        c->kill->kill_mode != KILL_MODE_MIXED)
        return refuse(c, "PAMName", "set KillMode=control-group or mixed",
                      "PAMName= needs KillMode=control-group or mixed");
    if (s->type == SERVICE_TYPE_ONESHOT && s->runtime_max_sec != USEC_INFINITY)
        message_at(c, LOG_WARNING, "RuntimeMaxSec",
                   "use TimeoutStartSec=", "RuntimeMaxSec= has no effect for Type=oneshot");
    if (s->restart_max_delay_sec != USEC_INFINITY && s->restart_steps == 0)
        message_at(c, LOG_WARNING, "RestartMaxDelaySec", "set RestartSteps= as well",
                   "RestartMaxDelaySec= has no effect without RestartSteps=");
    if (s->restart_steps > 0 && s->restart_max_delay_sec == USEC_INFINITY)
        message_at(c, LOG_WARNING, "RestartSteps", "set RestartMaxDelaySec= as well",
                   "RestartSteps= has no effect without RestartMaxDelaySec=");
    if (s->restart_max_delay_sec == s->restart_sec && s->restart_sec != USEC_INFINITY)
        message_at(c, LOG_WARNING, "RestartMaxDelaySec", "set it above RestartSec=",
                   "RestartMaxDelaySec= leaves no room for growing delays");
    return 0;
}

int unit_verify(struct unit_config *c)
{
    return c->type == UNIT_SERVICE ? verify_service(c) : 0;
}
