/* What the manager knows of units: lists, properties, processes, records. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/process.h"
#include "base/str.h"
#include "base/strv.h"
#include "control/methods.h"
#include "launch/track.h"
#include "unit/directive.h"
#include "unit/manager-config.h"
#include "unit/value.h"

/* ---- ListUnits ---- */

/* The names as they were when the call came: units come and go while the list is being read. */
struct unit_list {
    struct manager *manager;
    char **names;
    size_t next;
};

static void unit_list_free(void *state)
{
    struct unit_list *l = state;

    strv_free(l->names);
    free(l);
}

static int produce_unit(struct varlink_call *c, void *state)
{
    struct unit_list *l = state;

    while (l->names && l->names[l->next]) {
        const struct unit *u = manager_unit(l->manager, l->names[l->next++]);
        int r;

        if (!u)
            continue;
        r = varlink_notify(c, json_pack("{s:o}", "unit", describe_unit(u)));
        return r < 0 ? r : 1;
    }
    varlink_reply(c, NULL);
    return 0;
}

static bool unit_matches(const struct unit *u, const json_t *in)
{
    const json_t *states = json_object_get(in, "states");
    const json_t *of_types = json_object_get(in, "types");

    if (!matches_any(json_object_get(in, "patterns"), u->id))
        return false;
    if (json_array_size(of_types) > 0 && !is_one_of(of_types, strrchr(u->id, '.') + 1))
        return false;
    return json_array_size(states) == 0 || is_one_of(states, load_state_to_string(u->load_state)) ||
           is_one_of(states, unit_sub_state(u)) ||
           is_one_of(states, active_state_name(unit_active_state(u)));
}

int method_list_units(struct varlink_call *c, const json_t *in, void *manager)
{
    struct unit_list *l = new0(struct unit_list, 1);
    struct unit *u;
    size_t n = 0, allocated = 0;

    if (!l)
        return -ENOMEM;
    l->manager = manager;
    varlink_call_keep(c, l, unit_list_free);
    MANAGER_FOREACH_UNIT(u, manager)
    {
        if (!unit_matches(u, in))
            continue;
        if (!grow(&l->names, &allocated, n + 2))
            return -ENOMEM;
        l->names[n] = strdup(u->id);
        if (!l->names[n++])
            return -ENOMEM;
        l->names[n] = NULL;
    }
    strv_sort(l->names);
    varlink_call_produce(c, produce_unit);
    return 0;
}

/* ---- properties ---- */

static json_t *describe_value(const struct property_value *v)
{
    char id[ID128_TEXT_MAX];

    switch (v->kind) {
    case VALUE_STRING:
        return json_text(strempty(v->text));
    case VALUE_STRINGS:
        return json_texts(v->strv);
    case VALUE_BOOL:
        return json_boolean(v->number != 0);
    case VALUE_INT:
        return json_integer((int64_t) v->number);
    case VALUE_UINT:
    case VALUE_TIME:
    case VALUE_MONOTONIC:
    case VALUE_SPAN:
        return json_u64(v->number);
    case VALUE_ID:
        return json_string(id128_is_null(v->id) ? "" : id128_format(v->id, id));
    case VALUE_KIND_MAX:
        break;
    }
    assert_unreachable();
}

static bool is_wanted(const json_t *names, const char *name)
{
    return !json_is_array(names) || is_one_of(names, name);
}

/* Settings whose values may be secrets. */
static bool is_private(const char *property)
{
    static const char *const names[] = { "Environment", "SetCredential", "SetCredentialEncrypted",
                                         "StandardInputData", "StandardInputText" };

    for (size_t i = 0; i < ELEMENTSOF(names); i++)
        if (streq(property, names[i]))
            return true;
    return false;
}

static int add_property(json_t *properties, const char *name, int r, struct property_value *v)
{
    if (r >= 0)
        r = json_object_set_new(properties, name, describe_value(v)) < 0 ? -ENOMEM : 0;
    else if (r != -ENOMEM)
        r = 0; /* left out */
    property_value_done(v);
    return r;
}

static int add_rows(json_t *properties, const json_t *names, const struct unit *u,
                    const struct property_row *rows, bool may_see_all)
{
    for (const struct property_row *row = rows; row->name; row++) {
        struct property_value v = { 0 };
        int r;

        if (!is_wanted(names, row->name) || (row->privileged && !may_see_all))
            continue;
        r = row->get(u, &v);
        r = add_property(properties, row->name, r, &v);
        if (r < 0)
            return r;
    }
    return 0;
}

static bool has_row(const struct property_row *const *tables, const char *name)
{
    for (; *tables; tables++)
        for (const struct property_row *row = *tables; row->name; row++)
            if (streq(row->name, name))
                return true;
    return false;
}

static int add_settings(json_t *properties, const json_t *names, const struct unit *u,
                        const struct property_row *const *tables, bool may_see_all)
{
    const struct directive *d;
    unsigned position = 0;
    auto_strbuf struct strbuf text = { 0 };

    while (u->config && (d = directive_next(u->config->type, &position))) {
        const char *name = directive_property(d);

        if (!is_wanted(names, name) || (is_private(name) && !may_see_all))
            continue;
        /* Settings of reeve's own are shown where they are used. */
        if (d->group == GROUP_REEVE && !(u->config->owned & 1u << GROUP_REEVE))
            continue;
        /* What the manager knows better (Wants= and the like, both ways) is there already, or left
         * out. */
        if (json_object_get(properties, name) || has_row(tables, name))
            continue;
        strbuf_clear(&text);
        directive_format(u->config, d, &text);
        if (text.failed)
            return -ENOMEM;
        if (json_object_set_new(properties, name, json_text(strbuf_text(&text))) < 0)
            return -ENOMEM;
    }
    return 0;
}

json_t *describe_properties(const struct unit *u, const json_t *names, bool may_see_all)
{
    json_t *properties = json_object();
    const struct property_row *tables[PROPERTY_TABLES_MAX + 1];
    int r = 0;

    unit_property_tables(u, tables);
    for (size_t i = 0; r >= 0 && tables[i]; i++)
        r = add_rows(properties, names, u, tables[i], may_see_all);
    if (r >= 0)
        r = add_settings(properties, names, u, tables, may_see_all);
    return r < 0 ? NULL : properties;
}

int method_show_unit(struct varlink_call *c, const json_t *in, void *manager)
{
    json_t *properties;
    struct unit *u;
    int r = method_unit(c, in, manager, &u);

    if (r <= 0)
        return r;
    properties = describe_properties(u, json_object_get(in, "properties"),
                                     varlink_call_may(c, NEEDS_OUTPUT));
    if (!properties)
        return -ENOMEM;
    return varlink_reply(c, json_pack("{s:s, s:o}", "id", u->id, "properties", properties));
}

/* Of system.conf: those that systemd's manager has as properties and no row tells in another way.
 */
static int add_manager_settings(json_t *properties, const json_t *names, const struct manager *m)
{
    const struct manager_config *config = manager_settings(m);
    const struct directive *d;
    unsigned position = 0;
    auto_strbuf struct strbuf text = { 0 };

    while (config && (d = manager_directive_next(&position))) {
        const char *name = directive_property(d);

        if (!manager_setting_is_property(d) || !is_wanted(names, name) ||
            json_object_get(properties, name))
            continue;
        strbuf_clear(&text);
        d->type->format(d->type, manager_config_value(config, d), &text);
        if (text.failed || json_object_set_new(properties, name, json_text(strbuf_text(&text))) < 0)
            return -ENOMEM;
    }
    return 0;
}

int method_show_manager(struct varlink_call *c, const json_t *in, void *manager)
{
    const json_t *names = json_object_get(in, "properties");
    bool may_see_all = varlink_call_may(c, NEEDS_OUTPUT);
    json_t *properties = json_object();
    int r;

    for (const struct manager_property_row *row = manager_properties; row->name; row++) {
        struct property_value v = { 0 };

        if (!is_wanted(names, row->name) || (is_private(row->name) && !may_see_all))
            continue;
        r = row->get(manager, &v);
        r = add_property(properties, row->name, r, &v);
        if (r < 0)
            return r;
    }
    r = add_manager_settings(properties, names, manager);
    return r < 0 ? r : varlink_reply(c, json_pack("{s:o}", "properties", properties));
}

int method_find_unit(struct varlink_call *c, const json_t *in, void *manager)
{
    const json_t *pid = json_object_get(in, "pid");
    const char *invocation = json_string_value(json_object_get(in, "invocation"));
    const struct unit *u = NULL;
    struct id128 id;
    char message[128] = "Neither a process nor an invocation was named.";

    if (json_is_integer(pid)) {
        json_int_t n = json_integer_value(pid);

        /* As systemd: 0 is the caller itself. */
        if (n == 0)
            n = varlink_call_peer(c)->pid;
        u = manager_unit_by_pid(manager, (pid_t) n);
        snprintf(message, sizeof message, "PID %jd does not belong to any loaded unit.",
                 (intmax_t) n);
    } else if (invocation && id128_parse(invocation, &id) >= 0) {
        u = manager_unit_by_invocation(manager, id);
        snprintf(message, sizeof message, "No unit of invocation ID %s loaded.", invocation);
    }
    if (!u)
        return varlink_error(c, "NoSuchUnit", json_pack("{s:s}", "message", message));
    return varlink_reply(c, json_pack("{s:s}", "unit", u->id));
}

/* ---- processes ---- */

static json_t *describe_process(const struct unit *u, const char *unit_cgroup, pid_t pid)
{
    auto_free char *cgroup = NULL;
    auto_free char *command = NULL;
    const char *below = "", *role = NULL;

    if (!isempty(unit_cgroup) && process_cgroup(pid, &cgroup) >= 0) {
        const char *rest = path_startswith(cgroup, unit_cgroup);

        below = rest ? rest : "";
    }
    if (process_command_line(pid, &command) < 0)
        command = NULL;
    if (u->ops->main_pid && u->ops->main_pid(u) == pid)
        role = "main";
    else if (u->ops->control_pid && u->ops->control_pid(u) == pid)
        role = "control";
    return json_pack("{s:i, s:s?, s:s, s:o}", "pid", (int) pid, "role", role, "cgroup", below,
                     "command", json_text(command ? command : "n/a"));
}

static int compare_pids(const void *a, const void *b)
{
    pid_t x = *(const pid_t *) a, y = *(const pid_t *) b;

    return (x > y) - (x < y);
}

int method_list_processes(struct varlink_call *c, const json_t *in, void *manager)
{
    auto_free pid_t *pids = NULL;
    json_t *processes = json_array();
    const char *cgroup = "";
    struct unit *u;
    size_t n = 0;
    int r = method_unit(c, in, manager, &u);

    if (r <= 0)
        return r;
    if (u->tracker) {
        cgroup = tracker_cgroup(u->tracker);
        r = tracker_pids(u->tracker, &pids, &n);
        if (r < 0)
            return r;
        if (n > 0)
            qsort(pids, n, sizeof *pids, compare_pids);
    }
    for (size_t i = 0; i < n; i++)
        if (json_array_append_new(processes, describe_process(u, cgroup, pids[i])) < 0)
            return -ENOMEM;
    return varlink_reply(c, json_pack("{s:s, s:s, s:o}", "tracking", manager_tracking(manager),
                                      "cgroup", cgroup, "processes", processes));
}

/* ---- what is kept of earlier invocations ---- */

static json_t *describe_record(const struct invocation_record *record)
{
    static const struct record_texts none;
    const struct record_texts *texts = record->texts ? record->texts : &none;
    char id[ID128_TEXT_MAX];
    json_t *json = json_pack(
        "{s:s, s:I, s:I, s:s, s:i, s:i, s:i}", "invocation", id128_format(record->id, id),
        "started", (json_int_t) record->started.realtime, "ended",
        (json_int_t) record->ended.realtime, "result", strempty(record->result), "main_pid",
        (int) record->main_pid, "exit_code", (int) record->exit_code, "exit_status",
        (int) record->exit_status);
    json_t *step = json_pack(
        "{s:s?, s:i, s:i, s:i, s:i, s:b, s:b, s:o, s:s?, s:o, s:o}", "command", record->command,
        "command_index", (int) record->command_index, "exec_step", (int) record->exec_status,
        "errno", -record->error, "notify_errno", record->notify_errno, "failed", record->failed,
        "first_failure", record->first_failure, "object", json_text(texts->object), "directive",
        texts->directive, "status_text", json_text(texts->status_text), "notifications",
        json_texts(texts->notifications));

    return json_object_update(json, step) < 0 ? NULL : json;
}

int method_list_records(struct varlink_call *c, const json_t *in, void *manager)
{
    json_t *records = json_array();
    struct unit *u;
    int r = method_unit(c, in, manager, &u);

    if (r <= 0)
        return r;
    for (const struct invocation_record *record = u->records; record; record = record->next)
        if (json_array_append_new(records, describe_record(record)) < 0)
            return -ENOMEM;
    return varlink_reply(c, json_pack("{s:o}", "records", records));
}
