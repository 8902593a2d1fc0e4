/* The manager itself: watching it, reloading, its environment, its end; and kept output. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strv.h"
#include "control/arena.h"
#include "control/methods.h"
#include "journal/client.h"
#include "unit/value.h"

/* ---- Watch ---- */

struct watcher {
    struct varlink_call *call;
    struct manager_watch *watch;
    char **units; /* sorted; NULL: all */
};

static const char *const event_names[] = {
    [EVENT_UNIT_NEW] = "unit-new",
    [EVENT_UNIT_REMOVED] = "unit-removed",
    [EVENT_UNIT_STATE] = "unit-state",
    [EVENT_UNIT_CHANGED] = "unit-changed",
    [EVENT_JOB_NEW] = "job-new",
    [EVENT_JOB_REMOVED] = "job-removed",
    [EVENT_RELOADING] = "reloading",
    [EVENT_RELOADED] = "reloaded",
    [EVENT_STARTUP_FINISHED] = "startup-finished",
    [EVENT_ENVIRONMENT] = "environment",
};
static_assert(ELEMENTSOF(event_names) == MANAGER_EVENT_MAX, "a name for every event");

static void watcher_free(void *state)
{
    struct watcher *w = state;

    manager_watch_free(w->watch);
    strv_free(w->units);
    free(w);
}

static void watch_event(enum manager_event ev, struct unit *u, struct job *j, void *userdata)
{
    struct watcher *w = userdata;
    const struct unit *about = u ? u : j ? j->unit : NULL;
    size_t mark = json_arena_mark();
    json_t *told;

    if (w->units && about && !strv_contains(w->units, about->id))
        return;
    told = json_pack("{s:s}", "event", event_names[ev]);
    if (about)
        json_object_set_new(told, "unit", describe_unit(about));
    if (j)
        json_object_set_new(told, "job", describe_job(j));
    if (j && ev == EVENT_JOB_REMOVED)
        json_object_set_new(told, "result", json_string(job_result_name(j->result)));
    varlink_notify(w->call, told);
    json_arena_release(mark);
}

int method_watch(struct varlink_call *c, const json_t *in, void *manager)
{
    const json_t *units = json_object_get(in, "units");
    struct watcher *w = new0(struct watcher, 1);
    int r = 0;

    if (!w)
        return -ENOMEM;
    w->call = c;
    varlink_call_keep(c, w, watcher_free);
    if (json_is_array(units))
        r = json_texts_get(units, &w->units);
    if (r >= 0)
        r = manager_watch_add(manager, watch_event, w, &w->watch);
    if (r < 0)
        return r;
    return varlink_notify(c, json_pack("{s:s}", "event", "watching"));
}

/* ---- Reload, Reexec ---- */

/* The call may be gone before the reload is done. */
struct reload {
    struct varlink_call *call;
};

static void reload_client_gone(void *state)
{
    struct reload *reload = state;

    reload->call = NULL;
}

static void reload_done(int r, void *userdata)
{
    struct reload *reload = userdata;
    struct op_error none = { 0 };
    size_t mark = json_arena_mark();

    if (reload->call) {
        varlink_call_keep(reload->call, NULL, NULL);
        reply_result(reload->call, r, &none);
    }
    json_arena_release(mark);
    free(reload);
}

int method_reload(struct varlink_call *c, const json_t *in, void *manager)
{
    auto_op_error struct op_error e = { 0 };
    int r = manager_check_reload_limit(manager, "Reload", &e);

    if (r < 0)
        return reply_refused(c, r, &e);
    struct reload *reload = new0(struct reload, 1);
    if (!reload)
        return -ENOMEM;
    reload->call = c;
    varlink_call_keep(c, reload, reload_client_gone);
    r = manager_reload(manager, reload_done, reload);
    if (r < 0) {
        varlink_call_keep(c, NULL, NULL);
        free(reload);
        if (r == -EBUSY)
            op_error_set(&e, r, "Busy", "A reload is already going on.");
        r = reply_refused(c, r, &e);
    }
    return r;
}

/* There is no answer to one that works: the connection ends with the program that had it. */
int method_reexec(struct varlink_call *c, const json_t *in, void *manager)
{
    auto_op_error struct op_error e = { 0 };
    int r = manager_check_reload_limit(manager, "Reexecute", &e);

    if (r < 0)
        return reply_refused(c, r, &e);
    struct reload *reload = new0(struct reload, 1);
    if (!reload)
        return -ENOMEM;
    reload->call = c;
    varlink_call_keep(c, reload, reload_client_gone);
    r = manager_reexec(manager, reload_done, reload, &e);
    if (r < 0) {
        varlink_call_keep(c, NULL, NULL);
        free(reload);
        r = reply_refused(c, r, &e);
    }
    return r;
}

/* ---- environment ---- */

int method_get_environment(struct varlink_call *c, const json_t *in, void *manager)
{
    return varlink_reply(c,
                         json_pack("{s:o}", "variables", json_texts(manager_environment(manager))));
}

int method_set_environment(struct varlink_call *c, const json_t *in, void *manager)
{
    const json_t *set_json = json_object_get(in, "set"), *unset_json = json_object_get(in, "unset");
    auto_strv char **set = NULL;
    auto_strv char **unset = NULL;
    auto_op_error struct op_error e = { 0 };
    int r = 0;

    if (json_is_array(set_json))
        r = json_texts_get(set_json, &set);
    if (r >= 0 && json_is_array(unset_json))
        r = json_texts_get(unset_json, &unset);
    if (r >= 0)
        r = manager_change_environment(manager, set, unset, &e);
    return reply_result(c, r, &e);
}

/* ---- the end ---- */

int method_set_exit_code(struct varlink_call *c, const json_t *in, void *manager)
{
    json_int_t code = json_integer_value(json_object_get(in, "code"));

    if (code < 0 || code > 255)
        return varlink_error(c, "org.varlink.service.InvalidParameter",
                             json_pack("{s:s}", "parameter", "code"));
    manager_set_exit_code(manager, (uint8_t) code);
    return varlink_reply(c, NULL);
}

int method_shut_down(struct varlink_call *c, const json_t *in, void *manager)
{
    static const struct {
        const char *name;
        enum manager_objective objective;
    } actions[] = {
        { "exit", OBJECTIVE_EXIT },     { "poweroff", OBJECTIVE_POWEROFF },
        { "reboot", OBJECTIVE_REBOOT }, { "halt", OBJECTIVE_HALT },
        { "kexec", OBJECTIVE_KEXEC },   { "soft-reboot", OBJECTIVE_SOFT_REBOOT },
    };
    const char *action = json_string_value(json_object_get(in, "action"));

    for (size_t i = 0; i < ELEMENTSOF(actions); i++)
        if (streq(action, actions[i].name)) {
            manager_set_objective(manager, actions[i].objective);
            return varlink_reply(c, NULL);
        }
    return varlink_error(c, "org.varlink.service.InvalidParameter",
                         json_pack("{s:s}", "parameter", "action"));
}

int method_log_level(struct varlink_call *c, const json_t *in, void *manager)
{
    const char *const *names = type_syslog_level.words;
    const char *level = json_string_value(json_object_get(in, "level"));
    int priority = 0;

    if (level) {
        if (!varlink_call_may(c, NEEDS_CHANGE))
            return varlink_error(c, "org.varlink.service.PermissionDenied", NULL);
        while (priority < type_syslog_level.n_words && !streq(level, names[priority]))
            priority++;
        if (priority == type_syslog_level.n_words)
            return varlink_error(c, "org.varlink.service.InvalidParameter",
                                 json_pack("{s:s}", "parameter", "level"));
        log_set_max_priority(priority);
    }
    return varlink_reply(c, json_pack("{s:s}", "level", names[log_max_priority() & 7]));
}

/* ---- ReadOutput ---- */

struct output_reader {
    struct varlink_call *call;
    struct collector_client *collector;
    uint64_t token;
    bool asked; /* the query is under way */
};

static void output_reader_free(void *state)
{
    struct output_reader *o = state;

    if (o->asked)
        collector_query_cancel(o->collector, o->token);
    free(o);
}

static void output_line(const struct collector_line *line, int r, void *userdata)
{
    struct output_reader *o = userdata;
    size_t mark = json_arena_mark();
    struct op_error e = { 0 };
    char id[ID128_TEXT_MAX];

    if (line) {
        varlink_notify(o->call,
                       json_pack("{s:{s:I, s:I, s:i, s:i, s:o, s:s, s:o}}", "line", "realtime",
                                 (json_int_t) line->realtime, "monotonic",
                                 (json_int_t) line->monotonic, "priority", line->priority, "pid",
                                 (int) line->pid, "identifier", json_text(line->identifier),
                                 "invocation", id128_format(line->invocation, id), "text",
                                 json_text_n(line->text, line->length)));
    } else {
        o->asked = false;
        /* Nothing kept is an empty list. */
        reply_result(o->call, r == -ENOENT ? 0 : r, &e);
    }
    json_arena_release(mark);
}

int method_read_output(struct varlink_call *c, const json_t *in, void *manager)
{
    static const char *const parts[] = {
        [COLLECTOR_TAIL_LAST] = "last",
        [COLLECTOR_TAIL_HEAD] = "head",
        [COLLECTOR_TAIL_FIRST_FAILING] = "first-failing",
    };
    const char *unit = json_string_value(json_object_get(in, "unit"));
    const char *part_name = json_string_value(json_object_get(in, "part"));
    const char *invocation = json_string_value(json_object_get(in, "invocation"));
    json_int_t lines = json_integer_value(json_object_get(in, "lines"));
    enum collector_tail_part part = COLLECTOR_TAIL_LAST;
    struct output_reader *o;
    struct id128 id = { 0 };
    int r;

    while (part_name && part < COLLECTOR_TAIL_PART_MAX && !streq(part_name, parts[part]))
        part++;
    if (part == COLLECTOR_TAIL_PART_MAX || lines < 0 || lines > INT32_MAX ||
        (invocation && id128_parse(invocation, &id) < 0))
        return varlink_error(c, "org.varlink.service.InvalidParameter",
                             json_pack("{s:s}", "parameter",
                                       part == COLLECTOR_TAIL_PART_MAX  ? "part"
                                       : lines < 0 || lines > INT32_MAX ? "lines"
                                                                        : "invocation"));
    if (!manager_collector(manager))
        return varlink_reply(c, NULL);
    o = new0(struct output_reader, 1);
    if (!o)
        return -ENOMEM;
    o->call = c;
    o->collector = manager_collector(manager);
    varlink_call_keep(c, o, output_reader_free);
    r = collector_query_tail(o->collector, unit, id, part, (unsigned) lines, output_line, o,
                             &o->token);
    if (r == -ENOTCONN)
        return varlink_reply(c, NULL);
    o->asked = r >= 0;
    return r;
}
