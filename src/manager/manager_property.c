/* Properties of the manager itself: `systemctl show` without a unit. What system.conf sets is
 * beside them, by its own rows (manager_setting_is_property()). */
#include <errno.h>
#include <sys/prctl.h>

#include "base/log.h"
#include "base/str.h"
#include "manager/private.h"
#include "manager/property.h"
#include "unit/load.h"
#include "unit/manager-config.h"
#include "unit/value.h"
#include "unit/virt.h"

#define GETTER(name) static int get_##name(const struct manager *m, struct property_value *v)

/* ---- what is not so, and what never was ---- */

static int get_no(const struct manager *m, struct property_value *v)
{
    return property_put_number(v, VALUE_BOOL, false);
}

static int get_yes(const struct manager *m, struct property_value *v)
{
    return property_put_number(v, VALUE_BOOL, true);
}

static int get_zero(const struct manager *m, struct property_value *v)
{
    return property_put_number(v, VALUE_UINT, 0);
}

static int get_empty(const struct manager *m, struct property_value *v)
{
    return property_put_text(v, NULL);
}

static int get_never(const struct manager *m, struct property_value *v)
{
    return property_put_number(v, VALUE_TIME, 0);
}

static int get_never_monotonic(const struct manager *m, struct property_value *v)
{
    return property_put_number(v, VALUE_MONOTONIC, 0);
}

/* ---- texts, lists ---- */

#define TEXTS(ROW) \
    ROW(Version, manager_version()) \
    ROW(SystemState, system_state_name(manager_state(m))) \
    ROW(Virtualization, virt_any()) \
    ROW(Architecture, architecture_name()) \
    ROW(LogLevel, type_syslog_level.words[LOG_PRI(log_max_priority())]) \
    ROW(LogTarget, m->collector ? "journal" : "console") \
    ROW(ControlGroup, m->tracking.cgroup.prefix) \
    ROW(ReeveTracking, manager_tracking(m))

#define DEFINE_TEXT(name, value) \
    GETTER(name) \
    { \
        return property_put_text(v, value); \
    }
TEXTS(DEFINE_TEXT)

#define LISTS(ROW) \
    ROW(Environment, m->environment) \
    ROW(UnitPath, m->loader ? unit_loader_paths(m->loader)->search : NULL) \
    ROW(ReeveWarnings, m->warnings)

#define DEFINE_LIST(name, value) \
    GETTER(name) \
    { \
        *v = (struct property_value){ .kind = VALUE_STRINGS, .strv = value }; \
        return 0; \
    }
LISTS(DEFINE_LIST)

GETTER(Progress)
{
    return property_put_text(v, m->n_jobs == 0 ? "1" : "0");
}

/* ---- numbers ---- */

#define NUMBERS(ROW) \
    ROW(NNames, UINT, m->units.n) \
    ROW(NFailedUnits, UINT, m->n_failed) \
    ROW(NJobs, UINT, m->n_jobs) \
    ROW(NInstalledJobs, UINT, m->n_installed_jobs) \
    ROW(NFailedJobs, UINT, m->n_failed_jobs) \
    ROW(ExitCode, UINT, (uint64_t) m->exit_code) \
    ROW(ShowStatus, BOOL, !m->console || !streq(m->console, "none"))

#define DEFINE_NUMBER(name, kind, value) \
    GETTER(name) \
    { \
        return property_put_number(v, VALUE_##kind, value); \
    }
NUMBERS(DEFINE_NUMBER)

GETTER(TimerSlackNSec)
{
    uint64_t set = m->config ? m->config->timer_slack_nsec : UINT64_MAX;

    return property_put_number(v, VALUE_UINT,
                               set == UINT64_MAX ? (uint64_t) prctl(PR_GET_TIMERSLACK) : set);
}

/* ---- times ---- */

/* The clocks of a machine begin with its kernel; when a container's began nobody knows. */
static struct dual_time kernel_time(const struct manager *m)
{
    struct dual_time t = { 0 };

    if (m->role == MANAGER_PID1 && !virt_container())
        t.realtime = m->start.realtime - m->start.monotonic;
    return t;
}

#define TIMES(ROW) \
    ROW(KernelTimestamp, kernel_time(m)) \
    ROW(UserspaceTimestamp, m->start) \
    ROW(FinishTimestamp, m->userspace_done) \
    ROW(ShutdownStartTimestamp, m->shutdown_begin) \
    ROW(GeneratorsStartTimestamp, m->times[TIME_GENERATORS_START]) \
    ROW(GeneratorsFinishTimestamp, m->times[TIME_GENERATORS_FINISH]) \
    ROW(UnitsLoadStartTimestamp, m->times[TIME_UNITS_LOAD_START]) \
    ROW(UnitsLoadFinishTimestamp, m->times[TIME_UNITS_LOAD_FINISH]) \
    ROW(UnitsLoadTimestamp, m->times[TIME_UNITS_LOAD])

#define DEFINE_TIME(name, value) \
    GETTER(name) \
    { \
        return property_put_number(v, VALUE_TIME, (value).realtime); \
    } \
    GETTER(name##Monotonic) \
    { \
        return property_put_number(v, VALUE_MONOTONIC, (value).monotonic); \
    }
TIMES(DEFINE_TIME)

/* Of the firmware, the boot loader, the initrd, and of security policies that are loaded. */
#define NEVER(ROW) \
    ROW(Firmware) \
    ROW(Loader) \
    ROW(InitRD) \
    ROW(SecurityStart) \
    ROW(SecurityFinish) \
    ROW(InitRDSecurityStart) \
    ROW(InitRDSecurityFinish) \
    ROW(InitRDGeneratorsStart) \
    ROW(InitRDGeneratorsFinish) \
    ROW(InitRDUnitsLoadStart) \
    ROW(InitRDUnitsLoadFinish) \
    ROW(WatchdogLastPing)

/* ---- settings that are numbers here ---- */

#define SPANS(ROW) \
    ROW(DefaultTimeoutStartUSec, default_timeout_start_sec) \
    ROW(DefaultTimeoutStopUSec, default_timeout_stop_sec) \
    ROW(DefaultRestartUSec, default_restart_sec) \
    ROW(DefaultDeviceTimeoutUSec, default_device_timeout_sec) \
    ROW(DefaultMemoryPressureThresholdUSec, default_memory_pressure_threshold_sec) \
    ROW(DefaultTimerAccuracyUSec, default_timer_accuracy_sec) \
    ROW(DefaultStartLimitIntervalUSec, default_start_limit_interval_sec)

#define DEFINE_SPAN(name, member) \
    GETTER(name) \
    { \
        return m->config ? property_put_number(v, VALUE_SPAN, m->config->member) : -ENODATA; \
    }
SPANS(DEFINE_SPAN)

GETTER(DefaultTimeoutAbortUSec)
{
    const struct manager_config *c = m->config;

    if (!c)
        return -ENODATA;
    return property_put_number(v, VALUE_SPAN,
                               c->default_timeout_abort_sec == USEC_UNSET
                                   ? c->default_timeout_stop_sec
                                   : c->default_timeout_abort_sec);
}

GETTER(DefaultStartLimitBurst)
{
    return m->config ? property_put_number(v, VALUE_UINT, m->config->default_start_limit_burst)
                     : -ENODATA;
}

#define SOFT_LIMIT(NAME, member) \
    GETTER(soft_##member) \
    { \
        return m->config \
                   ? property_put_number(v, VALUE_UINT, m->config->default_limit_##member.soft) \
                   : -ENODATA; \
    }
RESOURCE_LIMITS(SOFT_LIMIT)

#define TEXT_ROW(name, value) { #name, get_##name },
#define NUMBER_ROW(name, kind, value) { #name, get_##name },
#define TIME_ROW(name, value) { #name, get_##name }, { #name "Monotonic", get_##name##Monotonic },
#define NEVER_ROW(name) \
    { #name "Timestamp", get_never }, { #name "TimestampMonotonic", get_never_monotonic },
#define SPAN_ROW(name, member) { #name, get_##name },
#define SOFT_LIMIT_ROW(NAME, member) { "DefaultLimit" #NAME "Soft", get_soft_##member },

/* clang-format off */
const struct manager_property_row manager_properties[] = {
    TEXTS(TEXT_ROW)
    LISTS(TEXT_ROW)
    NUMBERS(NUMBER_ROW)
    TIMES(TIME_ROW)
    NEVER(NEVER_ROW)
    SPANS(SPAN_ROW)
    RESOURCE_LIMITS(SOFT_LIMIT_ROW)
    { "Progress", get_Progress },
    { "TimerSlackNSec", get_TimerSlackNSec },
    { "DefaultTimeoutAbortUSec", get_DefaultTimeoutAbortUSec },
    { "DefaultStartLimitBurst", get_DefaultStartLimitBurst },
    { "ConfirmSpawn", get_no },
    { "ServiceWatchdogs", get_yes },
    { "SoftRebootsCount", get_zero },
    /* The machine's own watchdog is left alone. */
    { "WatchdogDevice", get_empty },
    { "RuntimeWatchdogUSec", get_zero },
    { "RuntimeWatchdogPreUSec", get_zero },
    { "RuntimeWatchdogPreGovernor", get_empty },
    { "RebootWatchdogUSec", get_zero },
    { "KExecWatchdogUSec", get_zero },
    { NULL, NULL },
};
/* clang-format on */
