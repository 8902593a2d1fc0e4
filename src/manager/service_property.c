/* What a service tells about itself at run time, by the names of org.freedesktop.systemd1(5). What
 * its files say comes from the directive table. */
#include <errno.h>
#include <string.h>

#include "manager/service.h"

static int put_number(struct property_value *v, enum value_kind kind, uint64_t number)
{
    v->kind = kind;
    v->number = number;
    return 0;
}

static int put_text(struct property_value *v, const char *text)
{
    v->kind = VALUE_STRING;
    v->text = text ? text : "";
    return 0;
}

#define GETTER(name) static int get_##name(const struct unit *u, struct property_value *v)
#define NUMBER(name, kind, expression) \
    GETTER(name) \
    { \
        const struct service *s = SERVICE(u); \
        return put_number(v, (kind), (uint64_t) (expression)); \
    }
#define TEXT(name, expression) \
    GETTER(name) \
    { \
        const struct service *s = SERVICE(u); \
        return put_text(v, (expression)); \
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

GETTER(notify_access)
{
    if (!u->config)
        return -ENODATA;
    return put_text(v, notify_access_to_string((int) service_notify_access(SERVICE(u))));
}

GETTER(watchdog_usec)
{
    if (!u->config)
        return -ENODATA;
    return put_number(v, VALUE_SPAN, service_watchdog_usec(SERVICE(u)));
}

GETTER(restart_usec_next)
{
    if (!u->config)
        return -ENODATA;
    return put_number(v, VALUE_SPAN, service_next_restart_delay(SERVICE(u)));
}

GETTER(notify_history)
{
    v->kind = VALUE_STRINGS;
    v->owned_strv = service_notify_history(SERVICE(u));
    v->strv = v->owned_strv;
    return v->strv ? 0 : -ENODATA;
}

const struct property_row service_properties[] = {
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
    { "ReeveNotifications", get_notify_history, .privileged = true },
    { 0 },
};
