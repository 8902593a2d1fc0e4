/* What a service tells about itself at run time, by the names of org.freedesktop.systemd1(5). What
 * its files say comes from the directive table. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/names.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/timestamp.h"
#include "manager/property.h"
#include "manager/service.h"

#define GETTER(name) static int get_##name(const struct unit *u, struct property_value *v)
#define NUMBER(name, kind, expression) \
    GETTER(name) \
    { \
        const struct service *s = SERVICE(u); \
        return property_put_number(v, (kind), (uint64_t) (expression)); \
    }
#define TEXT(name, expression) \
    GETTER(name) \
    { \
        const struct service *s = SERVICE(u); \
        return property_put_text(v, (expression)); \
    }
#define TIMES(name, member) \
    NUMBER(name, VALUE_TIME, s->member.realtime) \
    NUMBER(name##_monotonic, VALUE_MONOTONIC, s->member.monotonic)

NUMBER(main_pid, VALUE_UINT, s->main.pid)
NUMBER(control_pid, VALUE_UINT, s->control.pid)
NUMBER(status_errno, VALUE_INT, s->status_errno)
NUMBER(n_restarts, VALUE_UINT, s->n_restarts)
NUMBER(n_fds, VALUE_UINT, s->n_fds)
NUMBER(exec_main_pid, VALUE_UINT, s->main_exec.pid)
NUMBER(exec_main_code, VALUE_INT, s->main_exec.code)
NUMBER(exec_main_status, VALUE_INT, s->main_exec.status)
TIMES(exec_main_start, main_exec.start)
TIMES(exec_main_exit, main_exec.exit)
TIMES(exec_main_handoff, main_exec.handoff)
TIMES(watchdog_time, watchdog_time)
TEXT(result, service_result_name(s->result))
TEXT(reload_result, service_result_name(s->reload_result))
TEXT(clean_result, service_result_name(s->clean_result))
TEXT(status_text, s->status_text)
TEXT(bus_error, s->bus_error)
TEXT(varlink_error, s->varlink_error)

/* No mount is ever added to a running service. */
GETTER(live_mount_result)
{
    return property_put_text(v, service_result_name(RESULT_SUCCESS));
}

GETTER(notify_access)
{
    if (!u->config)
        return -ENODATA;
    return property_put_text(v, notify_access_to_string((int) service_notify_access(SERVICE(u))));
}

/* What applies is known once the service has been started. */
GETTER(watchdog_usec)
{
    if (!u->config)
        return -ENODATA;
    return property_put_number(v, VALUE_SPAN,
                               u->inactive_exit.monotonic ? service_watchdog_usec(SERVICE(u))
                                                          : USEC_INFINITY);
}

GETTER(restart_usec_next)
{
    if (!u->config)
        return -ENODATA;
    return property_put_number(v, VALUE_SPAN, service_next_restart_delay(SERVICE(u)));
}

GETTER(notify_history)
{
    v->kind = VALUE_STRINGS;
    v->owned_strv = service_notify_history(SERVICE(u));
    v->strv = v->owned_strv;
    return v->strv ? 0 : -ENODATA;
}

GETTER(health)
{
    const char *state = service_health_state(SERVICE(u));

    return state ? property_put_text(v, state) : -ENODATA;
}

GETTER(health_answers)
{
    v->kind = VALUE_STRINGS;
    v->strv = service_health_answers(SERVICE(u));
    return v->strv ? 0 : -ENODATA;
}

/* ---- commands, with what became of them ---- */

static const char *time_text(char text[static TIMESTAMP_TEXT_MAX], usec_t t)
{
    const char *formatted = timestamp_format(text, t, TIMESTAMP_PRETTY);

    return formatted ? formatted : "n/a";
}

/* As systemctl has it: "code=exited ; status=0", "code=killed ; status=15/TERM", and for what has
 * not ended "code=(null) ; status=0/0". */
static void add_exec(struct strbuf *b, const struct service_exec *e)
{
    char start[TIMESTAMP_TEXT_MAX], stop[TIMESTAMP_TEXT_MAX];

    strbuf_addf(b, "start_time=[%s] ; stop_time=[%s] ; pid=%d ; ",
                time_text(start, e->start.realtime), time_text(stop, e->exit.realtime),
                (int) e->pid);
    if (e->code == 0)
        strbuf_add(b, "code=(null) ; status=0/0 }");
    else if (e->code == CLD_EXITED)
        strbuf_addf(b, "code=exited ; status=%d }", e->status);
    else
        strbuf_addf(b, "code=%s ; status=%d/%s }", service_exit_code_name(e->code), e->status,
                    signal_name(e->status));
}

/* As ExecStartEx= and the like name the prefixes of systemd.service(5). */
static void add_flags(struct strbuf *b, unsigned flags)
{
    static const struct {
        unsigned flag;
        const char *name;
    } names[] = {
        { COMMAND_IGNORE_FAILURE, "ignore-failure" }, { COMMAND_FULL_PRIVILEGES, "privileged" },
        { COMMAND_NO_SETUID, "no-setuid" },           { COMMAND_NO_ENV, "no-env-expand" },
        { COMMAND_AMBIENT_MAGIC, "ambient" },
    };
    bool first = true;

    strbuf_add(b, "flags=");
    for (size_t i = 0; i < ELEMENTSOF(names); i++)
        if (flags & names[i].flag) {
            strbuf_addf(b, "%s%s", first ? "" : " ", names[i].name);
            first = false;
        }
    strbuf_add(b, " ; ");
}

/* `ex`: the form of ExecStartEx=, which has all flags in place of ignore_errors. */
static int put_commands(const struct unit *u, struct property_value *v, enum spawn_phase phase,
                        bool ex)
{
    static const struct service_exec never;
    const struct service *s = SERVICE(u);
    auto_strbuf struct strbuf b = { 0 };
    unsigned index = 0;

    if (!u->config)
        return -ENODATA;
    for (const struct exec_command *c = service_commands(s, phase); c; c = c->next, index++) {
        const struct service_exec *e = service_ran(s, phase, index);
        auto_free char *words = strv_join(c->argv, " ");

        if (!words)
            return -ENOMEM;
        strbuf_addf(&b, "%s{ path=%s ; argv[]=%s ; ", index > 0 ? "\n" : "", c->path, words);
        if (ex)
            add_flags(&b, c->flags);
        else
            strbuf_addf(&b, "ignore_errors=%s ; ",
                        c->flags & COMMAND_IGNORE_FAILURE ? "yes" : "no");
        add_exec(&b, e ? e : &never);
    }
    v->kind = VALUE_STRING;
    v->owned = strbuf_take(&b);
    v->text = v->owned;
    return v->text ? 0 : -ENOMEM;
}

#define COMMANDS(name, phase) \
    GETTER(name) \
    { \
        return put_commands(u, v, phase, false); \
    } \
    GETTER(name##_ex) \
    { \
        return put_commands(u, v, phase, true); \
    }

COMMANDS(exec_condition, SPAWN_CONDITION)
COMMANDS(exec_start_pre, SPAWN_START_PRE)
COMMANDS(exec_start, SPAWN_START)
COMMANDS(exec_start_post, SPAWN_START_POST)
COMMANDS(exec_reload, SPAWN_RELOAD)
COMMANDS(exec_stop, SPAWN_STOP)
COMMANDS(exec_stop_post, SPAWN_STOP_POST)

const struct property_row service_properties[] = {
    { "ExecConditionEx", get_exec_condition_ex },
    { "ExecStartPreEx", get_exec_start_pre_ex },
    { "ExecStartEx", get_exec_start_ex },
    { "ExecStartPostEx", get_exec_start_post_ex },
    { "ExecReloadEx", get_exec_reload_ex },
    { "ExecStopEx", get_exec_stop_ex },
    { "ExecStopPostEx", get_exec_stop_post_ex },
    { "ExecCondition", get_exec_condition },
    { "ExecStartPre", get_exec_start_pre },
    { "ExecStart", get_exec_start },
    { "ExecStartPost", get_exec_start_post },
    { "ExecReload", get_exec_reload },
    { "ExecStop", get_exec_stop },
    { "ExecStopPost", get_exec_stop_post },
    { "NotifyAccess", get_notify_access },
    { "RestartUSecNext", get_restart_usec_next },
    { "WatchdogUSec", get_watchdog_usec },
    { "WatchdogTimestamp", get_watchdog_time },
    { "WatchdogTimestampMonotonic", get_watchdog_time_monotonic },
    { "MainPID", get_main_pid },
    { "ControlPID", get_control_pid },
    { "NFileDescriptorStore", get_n_fds },
    { "StatusText", get_status_text },
    { "StatusErrno", get_status_errno },
    { "StatusBusError", get_bus_error },
    { "StatusVarlinkError", get_varlink_error },
    { "Result", get_result },
    { "ReloadResult", get_reload_result },
    { "CleanResult", get_clean_result },
    { "LiveMountResult", get_live_mount_result },
    { "ExtraFileDescriptorNames", property_empty },
    { "NRestarts", get_n_restarts },
    { "ExecMainStartTimestamp", get_exec_main_start },
    { "ExecMainStartTimestampMonotonic", get_exec_main_start_monotonic },
    { "ExecMainExitTimestamp", get_exec_main_exit },
    { "ExecMainExitTimestampMonotonic", get_exec_main_exit_monotonic },
    { "ExecMainHandoffTimestamp", get_exec_main_handoff },
    { "ExecMainHandoffTimestampMonotonic", get_exec_main_handoff_monotonic },
    { "ExecMainPID", get_exec_main_pid },
    { "ExecMainCode", get_exec_main_code },
    { "ExecMainStatus", get_exec_main_status },
    { "PermissionsStartOnly", property_none },
    { "ReeveHealth", get_health },
    { "ReeveHealthAnswers", get_health_answers },
    { "ReeveNotifications", get_notify_history, .privileged = true },
    { 0 },
};
