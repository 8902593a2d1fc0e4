/* Runtime properties of all units, as rows (manager.h, "properties"). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "launch/track.h"
#include "manager/private.h"
#include "manager/property.h"
#include "unit/condition.h"
#include "unit/config.h"
#include "unit/install.h"
#include "unit/load.h"
#include "unit/manager-config.h"
#include "unit/virt.h"

void property_value_done(struct property_value *v)
{
    free(v->owned);
    strv_free(v->owned_strv);
    *v = (struct property_value){ 0 };
}

static int text(struct property_value *v, const char *s)
{
    *v = (struct property_value){ .kind = VALUE_STRING, .text = strempty(s) };
    return 0;
}

static int boolean(struct property_value *v, bool b)
{
    *v = (struct property_value){ .kind = VALUE_BOOL, .number = b };
    return 0;
}

static int number(struct property_value *v, uint64_t n)
{
    *v = (struct property_value){ .kind = VALUE_UINT, .number = n };
    return 0;
}

static int strings(struct property_value *v, char *const *list)
{
    *v = (struct property_value){ .kind = VALUE_STRINGS, .strv = list };
    return 0;
}

static int realtime(struct property_value *v, struct dual_time t)
{
    *v = (struct property_value){ .kind = VALUE_TIME, .number = t.realtime };
    return 0;
}

static int monotonic(struct property_value *v, struct dual_time t)
{
    *v = (struct property_value){ .kind = VALUE_MONOTONIC, .number = t.monotonic };
    return 0;
}

static int get_id(const struct unit *u, struct property_value *v)
{
    return text(v, u->id);
}

static int get_names(const struct unit *u, struct property_value *v)
{
    auto_strv char **names = strv_new(u->id, NULL);

    if (!names || strv_extend(&names, u->aliases, false) < 0)
        return -ENOMEM;
    *v = (struct property_value){ .kind = VALUE_STRINGS, .strv = names, .owned_strv = names };
    names = NULL;
    return 0;
}

static int get_following(const struct unit *u, struct property_value *v)
{
    return text(v, "");
}

/* ---- dependencies: one row each, in the order of systemctl show ---- */

static int dependency_names(const struct unit *u, enum dependency_kind kind,
                            struct property_value *v)
{
    auto_strv char **names = NULL;
    struct unit *other;

    UNIT_FOREACH_KIND(other, u, DEP_BIT(kind))
    if (strv_add(&names, other->id) < 0)
        return -ENOMEM;
    strv_sort(names);
    *v = (struct property_value){ .kind = VALUE_STRINGS, .strv = names, .owned_strv = names };
    names = NULL;
    return 0;
}

#define DEPENDENCIES(ROW) \
    ROW(Requires, REQUIRES) \
    ROW(Requisite, REQUISITE) \
    ROW(Wants, WANTS) \
    ROW(BindsTo, BINDS_TO) \
    ROW(PartOf, PART_OF) \
    ROW(Upholds, UPHOLDS) \
    ROW(RequiredBy, REQUIRED_BY) \
    ROW(RequisiteOf, REQUISITE_OF) \
    ROW(WantedBy, WANTED_BY) \
    ROW(BoundBy, BOUND_BY) \
    ROW(UpheldBy, UPHELD_BY) \
    ROW(ConsistsOf, CONSISTS_OF) \
    ROW(Conflicts, CONFLICTS) \
    ROW(ConflictedBy, CONFLICTED_BY) \
    ROW(Before, BEFORE) \
    ROW(After, AFTER) \
    ROW(OnSuccess, ON_SUCCESS) \
    ROW(OnSuccessOf, ON_SUCCESS_OF) \
    ROW(OnFailure, ON_FAILURE) \
    ROW(OnFailureOf, ON_FAILURE_OF) \
    ROW(Triggers, TRIGGERS) \
    ROW(TriggeredBy, TRIGGERED_BY) \
    ROW(PropagatesReloadTo, PROPAGATES_RELOAD_TO) \
    ROW(ReloadPropagatedFrom, RELOAD_PROPAGATED_FROM) \
    ROW(PropagatesStopTo, PROPAGATES_STOP_TO) \
    ROW(StopPropagatedFrom, STOP_PROPAGATED_FROM) \
    ROW(JoinsNamespaceOf, JOINS_NAMESPACE_OF) \
    ROW(SliceOf, SLICE_OF)

#define DEFINE_GETTER(name, kind) \
    static int get_##name(const struct unit *u, struct property_value *v) \
    { \
        return dependency_names(u, DEP_##kind, v); \
    }
DEPENDENCIES(DEFINE_GETTER)

static int get_RequiresMountsFor(const struct unit *u, struct property_value *v)
{
    return strings(v, u->rare ? u->rare->requires_mounts_for : NULL);
}

static int get_WantsMountsFor(const struct unit *u, struct property_value *v)
{
    return strings(v, u->rare ? u->rare->wants_mounts_for : NULL);
}

/* ---- state ---- */

static int get_LoadState(const struct unit *u, struct property_value *v)
{
    return text(v, load_state_to_string(u->load_state));
}

static int get_ActiveState(const struct unit *u, struct property_value *v)
{
    return text(v, active_state_name(unit_active_state(u)));
}

static int get_SubState(const struct unit *u, struct property_value *v)
{
    return text(v, unit_sub_state(u));
}

static int get_FreezerState(const struct unit *u, struct property_value *v)
{
    static const char *const names[FREEZER_STATE_MAX] = { "running", "freezing", "frozen",
                                                          "thawing" };

    return text(v, names[u->freezer]);
}

static int get_FragmentPath(const struct unit *u, struct property_value *v)
{
    return text(v, u->config ? u->config->fragment_path : NULL);
}

/* As the files are now, not as they were when the unit was loaded. */
static int get_UnitFileState(const struct unit *u, struct property_value *v)
{
    struct unit_loader *loader = u->manager->loader;
    enum unit_file_state state;

    if (!u->config || !u->config->fragment_path || !loader)
        return text(v, NULL);
    (void) unit_loader_refresh(loader);
    if (install_state(loader, u->id, &state) < 0)
        return text(v, NULL);
    return text(v, unit_file_state_to_string((int) state));
}

static int get_UnitFilePreset(const struct unit *u, struct property_value *v)
{
    int r;

    if (!u->config || !u->config->fragment_path || !u->manager->loader)
        return text(v, NULL);
    r = install_preset_enables(u->manager->loader, u->id);
    return text(v, r < 0 ? NULL : r > 0 ? "enabled" : "disabled");
}

static int get_DropInPaths(const struct unit *u, struct property_value *v)
{
    return strings(v, u->config ? u->config->dropin_paths : NULL);
}

static int get_Description(const struct unit *u, struct property_value *v)
{
    return text(v, unit_description(u));
}

static int get_LoadError(const struct unit *u, struct property_value *v)
{
    auto_free char *both = NULL;

    if (!u->load_error_name)
        return text(v, "");
    both = format("org.freedesktop.systemd1.%s \"%s\"", u->load_error_name,
                  strempty(u->load_error));
    if (!both)
        return -ENOMEM;
    *v = (struct property_value){ .kind = VALUE_STRING, .text = both, .owned = both };
    both = NULL;
    return 0;
}

static int get_Job(const struct unit *u, struct property_value *v)
{
    return u->job ? number(v, u->job->id) : text(v, "");
}

static int get_StateChangeTimestamp(const struct unit *u, struct property_value *v)
{
    return realtime(v, u->state_change);
}

static int get_StateChangeTimestampMonotonic(const struct unit *u, struct property_value *v)
{
    return monotonic(v, u->state_change);
}

#define TIMES(ROW) \
    ROW(InactiveExitTimestamp, inactive_exit) \
    ROW(ActiveEnterTimestamp, active_enter) \
    ROW(ActiveExitTimestamp, active_exit) \
    ROW(InactiveEnterTimestamp, inactive_enter) \
    ROW(ConditionTimestamp, condition_time) \
    ROW(AssertTimestamp, assert_time)

#define DEFINE_TIMES(name, member) \
    static int get_##name(const struct unit *u, struct property_value *v) \
    { \
        return realtime(v, u->member); \
    } \
    static int get_##name##Monotonic(const struct unit *u, struct property_value *v) \
    { \
        return monotonic(v, u->member); \
    }
TIMES(DEFINE_TIMES)

static int get_CanStart(const struct unit *u, struct property_value *v)
{
    return boolean(v, unit_can_start(u) && !(u->config && u->config->unit->refuse_manual_start));
}

static int get_CanStop(const struct unit *u, struct property_value *v)
{
    return boolean(v, unit_can_stop(u) && !(u->config && u->config->unit->refuse_manual_stop));
}

static int get_CanReload(const struct unit *u, struct property_value *v)
{
    return boolean(v, unit_can_reload(u));
}

static int get_CanIsolate(const struct unit *u, struct property_value *v)
{
    return boolean(v, unit_can_isolate(u));
}

static int get_CanFreeze(const struct unit *u, struct property_value *v)
{
    return boolean(v, unit_can_freeze(u));
}

static int get_CanClean(const struct unit *u, struct property_value *v)
{
    static const struct {
        unsigned bit;
        const char *name;
    } parts[] = {
        { SPAWN_CLEAN_RUNTIME, "runtime" },
        { SPAWN_CLEAN_STATE, "state" },
        { SPAWN_CLEAN_CACHE, "cache" },
        { SPAWN_CLEAN_LOGS, "logs" },
        { SPAWN_CLEAN_CONFIGURATION, "configuration" },
        { SPAWN_CLEAN_FDSTORE, "fdstore" },
    };
    unsigned can = 0;
    char **list = NULL;
    int r = 0;

    if (u->config && u->ops->can_clean)
        (void) u->ops->can_clean(u, &can);
    for (size_t i = 0; i < ELEMENTSOF(parts) && r >= 0; i++)
        if (can & parts[i].bit)
            r = strv_add(&list, parts[i].name);
    if (r < 0) {
        strv_free(list);
        return r;
    }
    *v = (struct property_value){ .kind = VALUE_STRINGS, .strv = list, .owned_strv = list };
    return 0;
}

static int get_NeedDaemonReload(const struct unit *u, struct property_value *v)
{
    return boolean(v, unit_need_daemon_reload((struct unit *) u));
}

static int get_ConditionResult(const struct unit *u, struct property_value *v)
{
    return boolean(v, u->condition_result == TRIED_TRUE);
}

static int get_AssertResult(const struct unit *u, struct property_value *v)
{
    return boolean(v, u->assert_result == TRIED_TRUE);
}

static int get_Transient(const struct unit *u, struct property_value *v)
{
    return boolean(v, u->transient);
}

static int get_Perpetual(const struct unit *u, struct property_value *v)
{
    return boolean(v, u->perpetual);
}

static int get_InvocationID(const struct unit *u, struct property_value *v)
{
    if (id128_is_null(u->invocation))
        return text(v, "");
    *v = (struct property_value){ .kind = VALUE_ID, .id = u->invocation };
    return 0;
}

static int get_ReeveNotRun(const struct unit *u, struct property_value *v)
{
    return u->not_yet_run ? boolean(v, true) : -ENODATA;
}

static int get_ReeveConditionFailed(const struct unit *u, struct property_value *v)
{
    return u->condition_failed ? text(v, u->condition_failed) : -ENODATA;
}

static int get_ReeveAssertFailed(const struct unit *u, struct property_value *v)
{
    return u->assert_failed ? text(v, u->assert_failed) : -ENODATA;
}

static int get_ReeveDegraded(const struct unit *u, struct property_value *v)
{
    if (!u->rare || !u->rare->degraded)
        return -ENODATA;
    *v = (struct property_value){ .kind = VALUE_STRINGS, .strv = u->rare->degraded };
    return 0;
}

static int get_ReeveMessages(const struct unit *u, struct property_value *v)
{
    char **list = NULL;
    int r = unit_load_messages(u, &list);

    if (r < 0 || !list)
        return r < 0 ? r : -ENODATA;
    *v = (struct property_value){ .kind = VALUE_STRINGS, .strv = list, .owned_strv = list };
    return 0;
}

#define PLAIN(name) { #name, get_##name, false },
#define DEPENDENCY_ROW(name, kind) { #name, get_##name, false },
#define TIME_ROW(name, member) \
    { #name, get_##name, false }, { #name "Monotonic", get_##name##Monotonic, false },

/* clang-format off */
int property_none(const struct unit *u, struct property_value *v)
{
    return -ENODATA;
}

int property_empty(const struct unit *u, struct property_value *v)
{
    return text(v, "");
}

int property_no(const struct unit *u, struct property_value *v)
{
    return boolean(v, false);
}

static const struct property_row unit_properties[] = {
    { "Id", get_id, false },
    { "Names", get_names, false },
    { "Following", get_following, false },
    DEPENDENCIES(DEPENDENCY_ROW)
    PLAIN(RequiresMountsFor) PLAIN(WantsMountsFor)
    PLAIN(Description) PLAIN(LoadState) PLAIN(LoadError) PLAIN(ActiveState) PLAIN(FreezerState)
    PLAIN(SubState) PLAIN(FragmentPath) PLAIN(DropInPaths)
    PLAIN(UnitFileState) PLAIN(UnitFilePreset)
    PLAIN(StateChangeTimestamp) PLAIN(StateChangeTimestampMonotonic)
    TIMES(TIME_ROW)
    PLAIN(CanStart) PLAIN(CanStop) PLAIN(CanReload) PLAIN(CanIsolate) PLAIN(CanFreeze) PLAIN(CanClean)
    PLAIN(Job) PLAIN(NeedDaemonReload) PLAIN(ConditionResult) PLAIN(AssertResult)
    PLAIN(Transient) PLAIN(Perpetual) PLAIN(InvocationID)
    { "AccessSELinuxContext", property_empty, false }, { "ActivationDetails", property_empty, false },
    { "Markers", property_empty, false }, { "Refs", property_empty, false },
    { "DebugInvocation", property_no, false }, { "CanLiveMount", property_no, false },
    PLAIN(ReeveNotRun) PLAIN(ReeveConditionFailed) PLAIN(ReeveAssertFailed)
    PLAIN(ReeveDegraded) PLAIN(ReeveMessages)
    { NULL, NULL, false },
};
/* clang-format on */

void unit_property_tables(const struct unit *u,
                          const struct property_row *ret[static PROPERTY_TABLES_MAX + 1])
{
    const struct property_row *const tables[PROPERTY_TABLES_MAX] = {
        unit_properties,
        u->ops->properties,
        unit_has_resources(u) ? resource_properties : NULL,
        u->ops->has_processes ? process_properties : NULL,
    };
    size_t n = 0;

    for (size_t i = 0; i < ELEMENTSOF(tables); i++)
        if (tables[i])
            ret[n++] = tables[i];
    ret[n] = NULL;
}
