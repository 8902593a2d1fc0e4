/* status -- how units are, for people. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/names.h"
#include "base/parse.h"
#include "base/process.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "base/timestamp.h"
#include "base/utf8.h"
#include "cli/dependencies.h"
#include "cli/output_lines.h"
#include "cli/process_tree.h"
#include "cli/property.h"
#include "cli/state_symbol.h"
#include "cli/status.h"
#include "cli/systemctl.h"
#include "cli/table.h"
#include "cli/term.h"
#include "cli/unit_list.h"
#include "cli/verbs.h"
#include "cli/verdict_line.h"
#include "launch/exec_status.h"

/* LSB's statuses of "status". */
#define STATUS_NOT_RUNNING 3
#define STATUS_UNKNOWN 4

#define INDENT STATUS_INDENT

/* ---- the head ---- */

static void print_head(const json_t *p)
{
    const char *id = property_text(p, "Id"), *description = property_text(p, "Description");

    print_state_symbol(property_text(p, "ActiveState"), property_text(p, "LoadState"));
    printf(" %s", id);
    if (!streq(id, description) && *description)
        printf(" - %s", description);
    putchar('\n');
}

static bool shows_preset(const char *state)
{
    return startswith(state, "enabled") || streq(state, "disabled") || streq(state, "indirect") ||
           startswith(state, "linked");
}

static void print_loaded(const json_t *p)
{
    const char *load = property_text(p, "LoadState"), *path = property_text(p, "FragmentPath");
    const char *state = property_text(p, "UnitFileState"), *error = property_text(p, "LoadError");
    const char *preset = property_text(p, "UnitFilePreset");
    bool bad = streq(load, "error") || streq(load, "not-found") || streq(load, "bad-setting");

    status_print_label("Loaded");
    printf("%s%s%s", bad ? term_color(COLOR_RED) : "", load, bad ? term_reset() : "");
    /* LoadError is the D-Bus error's name and its message, both quoted. */
    if (*error && !streq(load, "loaded")) {
        const char *text = strchr(error, ' ');
        size_t n;

        text = text ? text + 1 : error;
        n = strlen(text);
        if (n >= 2 && text[0] == '"' && text[n - 1] == '"')
            printf(" (Reason: %.*s)\n", (int) n - 2, text + 1);
        else
            printf(" (Reason: %s)\n", text);
    } else if (*path && *state && shows_preset(state) && *preset) {
        printf(" (%s; %s; preset: %s)\n", path, state, preset);
    } else if (*path && *state) {
        printf(" (%s; %s)\n", path, state);
    } else if (*path) {
        printf(" (%s)\n", path);
    } else {
        putchar('\n');
    }
    if (property_bool(p, "Transient")) {
        status_print_label("Transient");
        printf("yes\n");
    }
}

/* Drop-ins, those of one folder in one line below it. */
static void print_drop_ins(const json_t *p)
{
    const json_t *value = json_object_get(p, "DropInPaths");
    auto_strv char **paths = NULL;
    auto_free char *last_folder = NULL;
    size_t i;
    json_t *element;

    if (json_is_string(value))
        paths = strv_split(json_string_value(value), " ");
    json_array_foreach(value, i, element)
    {
        strv_add(&paths, json_string_value(element));
    }
    for (char **path = paths; path && *path; path++) {
        const char *name = path_basename(*path);
        auto_free char *folder = memdup0(*path, (size_t) (name - *path) - 1);
        bool same_follows = path[1] && folder && startswith(path[1], folder) &&
                            path_basename(path[1]) == path[1] + strlen(folder) + 1;

        if (!streq_ptr(folder, last_folder)) {
            if (path == paths)
                status_print_label("Drop-In");
            else
                printf("%*s", INDENT, "");
            printf("%s\n%*s└─", strempty(folder), INDENT, "");
            free(last_folder);
            last_folder = take_ptr(folder);
        }
        printf("%s%s", name, same_follows ? ", " : "\n");
    }
}

static void print_since(const struct systemctl *c, usec_t since)
{
    char text[TIMESTAMP_TEXT_MAX], relative[TIMESTAMP_TEXT_MAX];
    usec_t now = now_usec(CLOCK_REALTIME);

    if (!timestamp_format(text, since, c->timestamp))
        return;
    printf(" since %s; %s", text, timestamp_format_relative(relative, since, now));
}

static void print_active(const struct systemctl *c, const json_t *p)
{
    const char *active = property_text(p, "ActiveState"), *sub = property_text(p, "SubState");
    const char *result = property_text(p, "Result");
    const char *freezer = property_text(p, "FreezerState");
    const char *when;
    enum color color;

    (void) state_symbol(active, &color);
    status_print_label("Active");
    printf("%s%s", term_color(color), active);
    if (!streq(active, sub))
        printf(" (%s)", sub);
    if (*result && !streq(result, "success"))
        printf(" (Result: %s)", result);
    fputs(color == COLOR_NONE ? "" : term_reset(), stdout);
    if (*freezer && !streq(freezer, "running"))
        printf(" (%s)", freezer);
    if (streq(active, "active") || streq(active, "reloading") || streq(active, "refreshing"))
        when = "ActiveEnterTimestamp";
    else if (streq(active, "inactive") || streq(active, "failed"))
        when = "InactiveEnterTimestamp";
    else if (streq(active, "activating"))
        when = "InactiveExitTimestamp";
    else
        when = "ActiveExitTimestamp";
    print_since(c, property_number(p, when));
    putchar('\n');
    usec_t enter = property_number(p, "ActiveEnterTimestampMonotonic");
    usec_t exit = property_number(p, "ActiveExitTimestampMonotonic");
    if ((streq(active, "inactive") || streq(active, "failed")) && enter > 0 && exit > enter) {
        char span[TIMESPAN_TEXT_MAX];

        status_print_label("Duration");
        printf("%s\n", timespan_format(span, exit - enter, USEC_PER_MSEC));
    }
    if (*property_text(p, "InvocationID")) {
        status_print_label("Invocation");
        printf("%s\n", property_text(p, "InvocationID"));
    }
}

/* Units that trigger this one, or that it triggers; the colour is that of their state. */
static void print_related(struct systemctl *c, const json_t *p, const char *property,
                          const char *label)
{
    static const char *const wanted[] = { "ActiveState", NULL };
    json_t *name;
    size_t i;

    json_array_foreach(json_object_get(p, property), i, name)
    {
        json_t *other = systemctl_properties(c, json_string_value(name), wanted, NULL);

        if (i == 0)
            status_print_label(label);
        else
            printf("%*s", INDENT, "");
        enum color color;
        (void) state_symbol(property_text(other, "ActiveState"), &color);
        printf("%s%s%s %s\n", term_color(color), term_is_utf8() ? "●" : "*", term_reset(),
               json_string_value(name));
        json_decref(other);
    }
}

static void print_condition(const struct systemctl *c, const json_t *p, const char *kind)
{
    auto_free char *result = format("%sResult", kind);
    auto_free char *timestamp = format("%sTimestamp", kind);
    auto_free char *failed = format("Reeve%sFailed", kind);
    usec_t when = property_number(p, strempty(timestamp));

    if (when == 0 || property_bool(p, strempty(result)))
        return;
    status_print_label(kind);
    printf("start %s unmet at", streq(kind, "Condition") ? "condition" : "assertion");
    char text[TIMESTAMP_TEXT_MAX], relative[TIMESTAMP_TEXT_MAX];
    printf(" %s; %s\n", strempty(timestamp_format(text, when, c->timestamp)),
           strempty(timestamp_format_relative(relative, when, now_usec(CLOCK_REALTIME))));
    if (*property_text(p, strempty(failed)))
        printf("%*s└─ %s was not met\n", INDENT, "", property_text(p, failed));
}

/* Lines of a list: strings of an array, or words of a text (quoted words lose their quotes). */
static void print_docs(const json_t *p)
{
    const json_t *value = json_object_get(p, "Documentation");
    auto_strv char **docs = NULL;
    json_t *element;
    size_t i;

    if (json_is_string(value))
        docs = strv_split(json_string_value(value), " \"");
    json_array_foreach(value, i, element)
    {
        strv_add(&docs, json_string_value(element));
    }
    STRV_FOREACH (doc, docs) {
        if (doc == docs)
            status_print_label("Docs");
        else
            printf("%*s", INDENT, "");
        printf("%s\n", *doc);
    }
}

/* ---- processes ---- */

/* "code=exited, status=203/EXEC", "code=killed, signal=TERM". */
static void print_exit(int code, int status)
{
    if (code == CLD_EXITED) {
        const char *name = status == 0   ? "SUCCESS"
                           : status == 1 ? "FAILURE"
                                         : exec_status_name(status);

        printf("code=exited, %sstatus=%d%s%s%s", status == 0 ? "" : term_color(COLOR_RED), status,
               name ? "/" : "", strempty(name), status == 0 ? "" : term_reset());
    } else {
        printf("code=%s, %ssignal=%s%s", code == CLD_DUMPED ? "dumped" : "killed",
               term_color(COLOR_RED), signal_name(status), term_reset());
    }
}

/* The command line in a line of ExecStart= and the like: "{ path=... ; argv[]=... ; ..." */
static char *command_of(const char *exec)
{
    const char *begin = strstr(exec, "argv[]="), *end;

    if (!begin)
        return NULL;
    begin += strlen("argv[]=");
    end = strstr(begin, " ; ignore_errors=");
    if (!end)
        end = strstr(begin, " ; flags=");
    return end ? memdup0(begin, (size_t) (end - begin)) : strdup(begin);
}

static int exit_code_from(const char *name)
{
    return startswith(name, "exited")   ? CLD_EXITED
           : startswith(name, "killed") ? CLD_KILLED
           : startswith(name, "dumped") ? CLD_DUMPED
                                        : 0;
}

/* One line of ExecStart= and the like, if the command has run and ended: "{ ... ; pid=47 ;
 * code=exited ; status=3 }". */
static void print_process_line(const struct systemctl *c, const char *name, const char *exec)
{
    const char *pid = strstr(exec, " ; pid="), *code = strstr(exec, " ; code=");
    const char *status = strstr(exec, " ; status=");
    auto_free char *command = command_of(exec);
    auto_free char *cut = NULL;
    int how;

    if (!pid || !code || !status || !command)
        return;
    how = exit_code_from(code + strlen(" ; code="));
    if (how == 0)
        return;
    cut = utf8_ellipsize(command, status_line_width(c), 100);
    status_print_label("Process");
    printf("%d %s=%s (", atoi(pid + strlen(" ; pid=")), name, strempty(cut));
    print_exit(how, atoi(status + strlen(" ; status=")));
    printf(")\n");
}

static void print_process_lines(const struct systemctl *c, const json_t *p)
{
    static const char *const names[] = { "ExecCondition", "ExecStartPre", "ExecStart",
                                         "ExecStartPost", "ExecReload",   "ExecStop",
                                         "ExecStopPost" };

    for (size_t i = 0; i < ELEMENTSOF(names); i++) {
        auto_strv char **lines = strv_split(property_text(p, names[i]), "\n");

        STRV_FOREACH (line, lines)
            print_process_line(c, names[i], *line);
    }
}

/* The step of the set-up that failed, and what it choked on. */
static void print_failed_step(struct systemctl *c, const json_t *p)
{
    auto_control_error struct control_error e = { 0 };
    json_t *reply;
    const json_t *record;
    const char *object, *directive;
    int step;

    if (!streq(property_text(p, "ActiveState"), "failed") ||
        systemctl_call_quiet(c, "ListRecords", json_pack("{s:s}", "unit", property_text(p, "Id")),
                             &reply, &e) < 0)
        return;
    record = json_array_get(json_object_get(reply, "records"), 0);
    object = json_string_value(json_object_get(record, "object"));
    directive = json_string_value(json_object_get(record, "directive"));
    step = (int) json_integer_value(json_object_get(record, "exec_step"));
    if (step != 0 && exec_status_text(step)) {
        status_print_label("Step");
        printf("%s%s%s: %s", exec_status_text(step), object ? " " : "", strempty(object),
               strerror((int) json_integer_value(json_object_get(record, "errno"))));
        if (directive)
            printf(" (%s=)", directive);
        putchar('\n');
    }
    json_decref(reply);
}

static void print_main_process(struct systemctl *c, const json_t *p)
{
    pid_t main_pid = (pid_t) property_number(p, "MainPID");
    pid_t control_pid = (pid_t) property_number(p, "ControlPID");
    int code = (int) property_number(p, "ExecMainCode");
    int status = (int) property_number(p, "ExecMainStatus");
    json_int_t exec_pid = (json_int_t) property_number(p, "ExecMainPID");
    auto_free char *comm = NULL;
    auto_free char *control_comm = NULL;

    print_process_lines(c, p);
    print_failed_step(c, p);
    if (main_pid > 0) {
        status_print_label("Main PID");
        printf("%d", main_pid);
        if (process_comm(main_pid, &comm) >= 0)
            printf(" (%s)", comm);
        putchar('\n');
    } else if (exec_pid > 0 && code != 0) {
        status_print_label("Main PID");
        printf("%" JSON_INTEGER_FORMAT " (", exec_pid);
        print_exit(code, status);
        printf(")\n");
    }
    if (control_pid > 0) {
        status_print_label("Cntrl PID");
        printf("%d", control_pid);
        if (process_comm(control_pid, &control_comm) >= 0)
            printf(" (%s)", control_comm);
        putchar('\n');
    }
}

static void print_processes(struct systemctl *c, const json_t *p)
{
    auto_control_error struct control_error e = { 0 };
    json_t *in = json_pack("{s:s}", "unit", property_text(p, "Id")), *reply, *processes;
    const char *cgroup;

    if (systemctl_call_quiet(c, "ListProcesses", in, &reply, &e) < 0)
        return;
    processes = json_object_get(reply, "processes");
    cgroup = property_text(reply, "cgroup");
    if (json_array_size(processes) > 0) {
        if (*cgroup) {
            status_print_label("CGroup");
            printf("%s\n", cgroup);
        } else {
            status_print_label("Processes");
            printf("below a holder\n");
        }
        process_tree_print(processes, INDENT, status_line_width(c));
    }
    json_decref(reply);
}

/* ---- the rest ---- */

static void print_list(const json_t *p, const char *property, const char *label, enum color color)
{
    json_t *text;
    size_t i;

    json_array_foreach(json_object_get(p, property), i, text)
    {
        if (i == 0)
            status_print_label(label);
        else
            printf("%*s", INDENT, "");
        printf("%s%s%s\n", term_color(color), json_string_value(text), term_reset());
    }
}

static void print_trigger(const struct systemctl *c, const json_t *p)
{
    usec_t next = property_next_elapse(p), now = now_usec(CLOCK_REALTIME);
    char text[TIMESTAMP_TEXT_MAX], relative[TIMESTAMP_TEXT_MAX];

    if (!endswith(property_text(p, "Id"), ".timer"))
        return;
    status_print_label("Trigger");
    if (next == USEC_INFINITY)
        printf("n/a\n");
    else
        printf("%s; %s\n", timestamp_format(text, next, c->timestamp),
               timestamp_format_relative(relative, next, now));
}

static void print_listen(const json_t *p)
{
    auto_strv char **lines = strv_split(property_text(p, "Listen"), "\n");

    STRV_FOREACH (line, lines) {
        if (line == lines)
            status_print_label("Listen");
        else
            printf("%*s", INDENT, "");
        printf("%s\n", *line);
    }
    if (property_bool(p, "Accept")) {
        status_print_label("Accepted");
        printf("%" PRIu64 "; Connected: %" PRIu64 ";", property_number(p, "NAccepted"),
               property_number(p, "NConnections"));
        if (property_number(p, "NRefused") > 0)
            printf(" Refused: %" PRIu64, property_number(p, "NRefused"));
        printf("\n");
    }
}

/* Under systemctl's name the output is systemctl's. */
static void print_cause(const struct systemctl *c, const json_t *p)
{
    auto_free char *line = c->compat || c->offline ||
                                   !streq(property_text(p, "ActiveState"), "failed")
                               ? NULL
                               : verdict_line(property_text(p, "Id"), c->scope == SCOPE_USER);

    if (line) {
        status_print_label("Cause");
        printf("%s\n", line);
    }
}

/* A process can have written its first lines before the manager takes note of its start; conditions
 * are looked at before there is one. */
static usec_t last_start(const json_t *p)
{
    usec_t conditions = property_number(p, "ConditionTimestamp");
    usec_t start = property_number(p, "InactiveExitTimestamp");

    return conditions > 0 ? MIN(conditions, start) : start;
}

static void print_unit(struct systemctl *c, const json_t *p)
{
    print_head(p);
    print_loaded(p);
    print_drop_ins(p);
    print_active(c, p);
    print_cause(c, p);
    print_condition(c, p, "Condition");
    print_condition(c, p, "Assert");
    print_related(c, p, "TriggeredBy", "TriggeredBy");
    print_trigger(c, p);
    print_related(c, p, "Triggers", "Triggers");
    print_docs(p);
    print_main_process(c, p);
    if (*property_text(p, "StatusText")) {
        status_print_label("Status");
        printf("%s\"%s\"%s\n", term_color(COLOR_BOLD), property_text(p, "StatusText"),
               term_reset());
    }
    print_list(p, "ReeveHealthAnswers", "Health", COLOR_NONE);
    if (property_number(p, "StatusErrno") > 0) {
        status_print_label("Error");
        printf("%" PRIu64 " (%s)\n", property_number(p, "StatusErrno"),
               strerror((int) property_number(p, "StatusErrno")));
    }
    print_listen(p);
    status_print_resources(p);
    print_processes(c, p);
    /* What of the unit's settings is not in force. */
    print_list(p, "ReeveDegraded", "Degraded", COLOR_YELLOW);
    print_list(p, "ReeveMessages", "Messages", COLOR_YELLOW);
    if (property_bool(p, "NeedDaemonReload") && !c->no_warn) {
        fflush(stdout);
        fprintf(stderr,
                "%sWarning:%s The unit file, source configuration file or drop-ins of %s changed "
                "on disk. Run '%s daemon-reload' to reload units.\n",
                term_color(COLOR_YELLOW), term_reset(), property_text(p, "Id"), c->program);
    }
    if (c->lines > 0)
        output_lines_print(c, property_text(p, "Id"), last_start(p), (unsigned) c->lines,
                           status_line_width(c));
}

static int unit_status(const json_t *p)
{
    const char *active = property_text(p, "ActiveState");

    if (streq(active, "active") || streq(active, "reloading") || streq(active, "refreshing"))
        return EXIT_SUCCESS;
    return STATUS_NOT_RUNNING;
}

static int print_json(struct systemctl *c, json_t *properties)
{
    json_t *in = json_pack("{s:O}", "unit", json_object_get(properties, "Id")), *reply;
    json_t *all = json_pack("{s:O, s:O}", "unit", json_object_get(properties, "Id"), "properties",
                            properties);

    if (systemctl_call(c, "ListProcesses", in, &reply, "list processes") >= 0) {
        json_object_set(all, "processes", json_object_get(reply, "processes"));
        json_decref(reply);
    }
    json_object_set_new(
        all, "output", output_lines_fetch(c, property_text(properties, "Id"), (unsigned) c->lines));
    json_print_reply(c, all);
    return unit_status(properties);
}

static int show_status(struct systemctl *c, const char *name, bool *first)
{
    auto_control_error struct control_error e = { 0 };
    json_t *properties = systemctl_properties(c, name, NULL, &e);
    int status;

    if (!properties) {
        if (e.message)
            fprintf(stderr, "Failed to get properties of %s: %s\n", name, e.message);
        return systemctl_exit_unreachable(c);
    }
    if (streq(property_text(properties, "LoadState"), "not-found") &&
        streq(property_text(properties, "ActiveState"), "inactive")) {
        fflush(stdout);
        fprintf(stderr, "Unit %s could not be found.\n", name);
        json_decref(properties);
        return STATUS_UNKNOWN;
    }
    status = unit_status(properties);
    if (c->output != OUTPUT_TEXT) {
        status = print_json(c, properties);
    } else {
        if (!*first)
            putchar('\n');
        *first = false;
        print_unit(c, properties);
    }
    json_decref(properties);
    return status;
}

/* ---- arguments ---- */

/* A number is the pid of a process of the unit. Returns 1 with the unit, 0 if it is none, -1 after
 * an error message. */
static int unit_of_pid(struct systemctl *c, const char *text, char **ret)
{
    auto_control_error struct control_error e = { 0 };
    json_t *reply;
    unsigned pid;
    int r;

    if (parse_unsigned(text, &pid) < 0)
        return 0;
    r = systemctl_call_quiet(c, "FindUnit", json_pack("{s:i}", "pid", (int) pid), &reply, &e);
    if (r < 0) {
        if (r == -EREMOTEIO && !process_is_alive((pid_t) pid))
            fprintf(stderr, "PID %u doesn't exist or is already gone.\n", pid);
        else if (r != -EHOSTDOWN)
            fprintf(stderr, "Failed to get unit for PID %u: %s\n", pid,
                    systemctl_error_text(r, &e));
        return -1;
    }
    *ret = strdup(property_text(reply, "unit"));
    json_decref(reply);
    return *ret ? 1 : -1;
}

static int names_of_arguments(struct systemctl *c, char **args, char ***names)
{
    STRV_FOREACH (arg, args) {
        char *one[] = { *arg, NULL };
        auto_strv char **found = NULL;
        char *unit = NULL;
        int r = unit_of_pid(c, *arg, &unit);

        if (r < 0)
            return -ESRCH;
        if (r > 0)
            strv_push(&found, unit);
        else if (systemctl_unit_names(c, one, ".service", NULL, &found) < 0)
            return -EINVAL;
        strv_extend(names, found, true);
    }
    return c->with_dependencies ? dependencies_add(c, names) : 0;
}

int ctl_status(struct systemctl *c, char **args)
{
    auto_strv char **names = NULL;
    int status = EXIT_SUCCESS;
    bool first = true;

    if (systemctl_connect(c) < 0)
        return systemctl_exit_unreachable(c);
    if (!c->no_pager && c->output == OUTPUT_TEXT)
        term_pager_open();
    if (!*args && !c->states && !c->types && !c->all)
        return status_show_system(c);
    if (!*args) {
        auto_unit_list struct unit_list list = { 0 };

        if (unit_list_fetch(c, NULL, NULL, &list) < 0)
            return systemctl_exit_unreachable(c);
        for (size_t i = 0; i < list.n; i++)
            strv_add(&names, listed_text(list.units[i], "id"));
    } else if (names_of_arguments(c, args, &names) < 0)
        return systemctl_exit_unreachable(c);
    STRV_FOREACH (name, names) {
        int r = show_status(c, *name, &first);

        if (status == EXIT_SUCCESS)
            status = r;
    }
    return status;
}
