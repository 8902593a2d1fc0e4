/* list-units and its kin: lists of what the manager has in memory. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/timespan.h"
#include "base/timestamp.h"
#include "cli/dependencies.h"
#include "cli/systemctl.h"
#include "cli/table.h"
#include "cli/unit_list.h"
#include "cli/verbs.h"
#include "unit/name.h"

/* ---- the list ---- */

void unit_list_done(struct unit_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        json_decref(l->units[i]);
    free(l->units);
    *l = (struct unit_list){ 0 };
}

const char *listed_text(const json_t *unit, const char *member)
{
    const char *text = json_string_value(json_object_get(unit, member));

    return text ? text : "";
}

/* By type, then by name, without regard to case: the order of systemctl. */
static int compare_units(const void *a, const void *b)
{
    const char *x = listed_text(*(json_t *const *) a, "id");
    const char *y = listed_text(*(json_t *const *) b, "id");
    int r = strcasecmp(strrchr(x, '.'), strrchr(y, '.'));

    return r != 0 ? r : strcasecmp(x, y);
}

static json_t *words_to_json(char *const *v)
{
    json_t *array = json_array();

    STRV_FOREACH (s, v)
        json_array_append_new(array, json_string(*s));
    return array;
}

/* What a list shows without --all: what is active, failed or has a job. */
static bool is_shown(const struct systemctl *c, const json_t *unit)
{
    return c->all || c->states || !streq(listed_text(unit, "active"), "inactive") ||
           json_is_integer(json_object_get(unit, "job"));
}

int unit_list_fetch(struct systemctl *c, char *const *patterns, const char *type,
                    struct unit_list *ret)
{
    auto_control_error struct control_error e = { 0 };
    json_t *in = json_object(), *reply;
    size_t allocated = 0;
    int r = systemctl_connect(c);

    if (r < 0) {
        json_decref(in);
        return r;
    }
    if (patterns && *patterns)
        json_object_set_new(in, "patterns", words_to_json(patterns));
    if (c->states)
        json_object_set_new(in, "states", words_to_json(c->states));
    if (type)
        json_object_set_new(in, "types", json_pack("[s]", type));
    else if (c->types)
        json_object_set_new(in, "types", words_to_json(c->types));
    r = control_call_more(c->client, "ListUnits", in);
    while (r >= 0 && (r = control_next(c->client, USEC_INFINITY, &reply, &e)) >= 0) {
        json_t *unit = json_object_get(reply, "unit");

        if (json_is_object(unit) && is_shown(c, unit)) {
            if (!grow(&ret->units, &allocated, ret->n + 1))
                r = -ENOMEM;
            else
                ret->units[ret->n++] = json_incref(unit);
        }
        json_decref(reply);
        if (r == 0)
            break;
    }
    if (r < 0) {
        fprintf(stderr, "Failed to list units: %s\n", systemctl_error_text(r, &e));
        return r;
    }
    if (ret->n > 0)
        qsort(ret->units, ret->n, sizeof *ret->units, compare_units);
    return 0;
}

/* Patterns as typed, with a suffix where there is none. */
static int mangle_patterns(char **args, const char *suffix, char ***ret)
{
    STRV_FOREACH (arg, args) {
        auto_free char *name = NULL;
        int r = unit_name_mangle(*arg, true, suffix, &name);

        if (r < 0) {
            fprintf(stderr, "Failed to mangle unit name '%s': %s\n", *arg, strerror(-r));
            return r;
        }
        r = strv_add(ret, name);
        if (r < 0)
            return r;
    }
    return 0;
}

static int fetch(struct systemctl *c, char **args, const char *type, struct unit_list *ret)
{
    auto_strv char **patterns = NULL;
    auto_free char *suffix = format(".%s", type ? type : "service");
    int r = suffix ? mangle_patterns(args, suffix, &patterns) : -ENOMEM;

    if (r >= 0 && c->with_dependencies && patterns)
        r = dependencies_add(c, &patterns);
    if (r >= 0)
        r = unit_list_fetch(c, patterns, type, ret);
    return r;
}

/* What follows a list: how many there are, and how to see more. */
static void print_count(const struct systemctl *c, size_t n, const char *what)
{
    if (c->no_legend || c->output != OUTPUT_TEXT)
        return;
    printf("\n%zu %s listed.\n", n, what);
    if (!c->all)
        printf("Pass --all to see loaded but inactive %s, too.\n", what);
}

/* ---- list-units ---- */

static bool has_load_problem(const char *load)
{
    return streq(load, "error") || streq(load, "not-found") || streq(load, "bad-setting") ||
           streq(load, "masked");
}

static void print_legend(const struct systemctl *c, size_t n, bool jobs)
{
    if (c->no_legend)
        return;
    if (n > 0) {
        printf(
            "\nLegend: LOAD   → Reflects whether the unit definition was properly loaded.\n"
            "        ACTIVE → The high-level unit activation state, i.e. generalization of SUB.\n"
            "        SUB    → The low-level unit activation state, values depend on unit type.\n");
        if (jobs)
            printf("        JOB    → Pending job for the unit.\n");
    }
    printf("\n%s%zu loaded units listed.%s", term_color(n > 0 ? COLOR_BOLD : COLOR_RED), n,
           term_reset());
    if (c->states) {
        putchar('\n');
        return;
    }
    printf("%s\nTo show all installed unit files use '%s list-unit-files'.\n",
           c->all ? "" : " Pass --all to see loaded but inactive units, too.", c->program);
}

static void add_unit_row(const struct systemctl *c, struct table *t, const json_t *unit)
{
    const char *load = listed_text(unit, "load"), *active = listed_text(unit, "active");
    bool failed = streq(active, "failed"), unloaded = has_load_problem(load);
    enum color color = failed ? COLOR_RED : COLOR_NONE;

    table_add_color(t, failed || unloaded ? "●" : " ", failed ? COLOR_RED : COLOR_YELLOW);
    table_add_color(t, listed_text(unit, "id"), color);
    table_add_color(t, load, unloaded ? COLOR_YELLOW : COLOR_NONE);
    table_add_color(t, active, color);
    table_add_color(t, listed_text(unit, "sub"), color);
    table_add(t, listed_text(unit, "job_type"));
    table_add(t, listed_text(unit, "description"));
}

int ctl_list_units(struct systemctl *c, char **args)
{
    struct table_column columns[] = {
        { " ", NULL },
        { "UNIT", "unit", .shrinks = true },
        { "LOAD", "load" },
        { "ACTIVE", "active" },
        { "SUB", "sub" },
        { "JOB", "job" },
        { "DESCRIPTION", "description", .shrinks = true },
    };
    auto_table struct table t = { .columns = columns, .n_columns = ELEMENTSOF(columns) };
    auto_unit_list struct unit_list list = { 0 };
    bool jobs = false;
    int r = fetch(c, args, NULL, &list);

    if (r < 0)
        return systemctl_exit_unreachable(c);
    if (!c->no_pager)
        term_pager_open();
    for (size_t i = 0; i < list.n; i++) {
        jobs |= json_is_integer(json_object_get(list.units[i], "job"));
        add_unit_row(c, &t, list.units[i]);
    }
    columns[0].hidden = c->plain;
    columns[5].hidden = !jobs;
    if (table_print(c, &t) < 0)
        return EXIT_FAILURE;
    print_legend(c, list.n, jobs);
    return EXIT_SUCCESS;
}

/* ---- list-sockets, list-paths ---- */

/* The first of Triggers=, or NULL. */
static const char *triggered_unit(const json_t *properties)
{
    return json_string_value(json_array_get(json_object_get(properties, "Triggers"), 0));
}

struct condition_row {
    char *what, *kind, *unit, *activates;
};

static int compare_condition_rows(const void *a, const void *b)
{
    const struct condition_row *x = a, *y = b;
    int r = (*x->what == '/') - (*y->what == '/'); /* paths come last */

    if (r == 0)
        r = strcmp(x->what, y->what);

    return r != 0 ? r : strcmp(x->unit, y->unit);
}

/* The lines "WHAT (KIND)" of a property, one row each. */
static int split_lines(const char *text, const char *unit, const char *activates,
                       struct condition_row **rows, size_t *n, size_t *allocated)
{
    auto_strv char **lines = strv_split(text, "\n");

    STRV_FOREACH (line, lines) {
        char *open = strrchr(*line, '('), *close = strrchr(*line, ')');
        struct condition_row row;

        if (!open || !close || open == *line)
            continue;
        *close = '\0';
        open[-1] = '\0';
        row = (struct condition_row){ strdup(*line), strdup(open + 1), strdup(unit),
                                      activates ? strdup(activates) : NULL };
        if (!grow(rows, allocated, *n + 1))
            return -ENOMEM;
        (*rows)[(*n)++] = row;
    }
    return 0;
}

/* Sockets and paths: each unit has lines of a property, and what it activates. */
static int list_conditions(struct systemctl *c, char **args, const char *type, const char *property,
                           struct table *t, bool kind_first, const char *what)
{
    const char *const names[] = { property, "Triggers", NULL };
    auto_unit_list struct unit_list list = { 0 };
    auto_free struct condition_row *rows = NULL;
    size_t n = 0, allocated = 0;
    int r = fetch(c, args, type, &list);

    for (size_t i = 0; r >= 0 && i < list.n; i++) {
        const char *unit = listed_text(list.units[i], "id");
        json_t *properties = systemctl_properties(c, unit, names, NULL);

        r = split_lines(property_text(properties, property), unit, triggered_unit(properties),
                        &rows, &n, &allocated);
        json_decref(properties);
    }
    if (r < 0)
        return systemctl_exit_unreachable(c);
    if (n > 0)
        qsort(rows, n, sizeof *rows, compare_condition_rows);
    for (size_t i = 0; i < n; i++) {
        table_add(t, rows[i].what);
        table_add(t, rows[i].kind);
        table_add(t, rows[i].unit);
        table_add(t, rows[i].activates);
        free(rows[i].what);
        free(rows[i].kind);
        free(rows[i].unit);
        free(rows[i].activates);
    }
    if (!c->no_pager)
        term_pager_open();
    if (table_print(c, t) < 0)
        return EXIT_FAILURE;
    print_count(c, n, what);
    return EXIT_SUCCESS;
}

int ctl_list_sockets(struct systemctl *c, char **args)
{
    struct table_column columns[] = {
        { "LISTEN", "listen" },
        { "TYPE", "type", .hidden = !c->show_types },
        { "UNIT", "unit" },
        { "ACTIVATES", "activates" },
    };
    auto_table struct table t = { .columns = columns, .n_columns = ELEMENTSOF(columns) };

    return list_conditions(c, args, "socket", "Listen", &t, false, "sockets");
}

int ctl_list_paths(struct systemctl *c, char **args)
{
    struct table_column columns[] = {
        { "PATH", "path" },
        { "CONDITION", "condition" },
        { "UNIT", "unit" },
        { "ACTIVATES", "activates" },
    };
    auto_table struct table t = { .columns = columns, .n_columns = ELEMENTSOF(columns) };

    return list_conditions(c, args, "path", "Paths", &t, false, "paths");
}

/* ---- list-automounts ---- */

int ctl_list_automounts(struct systemctl *c, char **args)
{
    struct table_column columns[] = {
        { "WHAT", "what" },       { "WHERE", "where" },
        { "MOUNTED", "mounted" }, { "IDLE TIMEOUT", "idle_timeout" },
        { "UNIT", "unit" },
    };
    static const char *const names[] = { "Where", "TimeoutIdleUSec", "SubState", NULL };
    auto_table struct table t = { .columns = columns, .n_columns = ELEMENTSOF(columns) };
    auto_unit_list struct unit_list list = { 0 };

    if (fetch(c, args, "automount", &list) < 0)
        return systemctl_exit_unreachable(c);
    for (size_t i = 0; i < list.n; i++) {
        const char *unit = listed_text(list.units[i], "id");
        json_t *properties = systemctl_properties(c, unit, names, NULL);
        bool mounted = streq(property_text(properties, "SubState"), "running");

        table_add(&t, NULL);
        table_add(&t, property_text(properties, "Where"));
        table_add_json(&t, mounted ? "yes" : "no", json_boolean(mounted));
        table_add(&t, property_text(properties, "TimeoutIdleUSec"));
        table_add(&t, unit);
        json_decref(properties);
    }
    if (table_print(c, &t) < 0)
        return EXIT_FAILURE;
    print_count(c, table_rows(&t), "automounts");
    return EXIT_SUCCESS;
}

/* ---- list-timers ---- */

struct timer_row {
    const char *unit;
    char *activates;
    usec_t next, last;
};

static int compare_timers(const void *a, const void *b)
{
    const struct timer_row *x = a, *y = b;

    if (x->next != y->next)
        return (x->next > y->next) - (x->next < y->next);
    return strcmp(x->unit, y->unit);
}

/* "5 days"; the column says that it is what is left. */
static char *format_left(char text[static TIMESTAMP_TEXT_MAX], usec_t t, usec_t now)
{
    char *left = timestamp_format_relative(text, t, now);
    char *word = left ? (char *) endswith(left, " left") : NULL;

    if (word)
        *word = '\0';
    return left;
}

static void add_timer_row(const struct systemctl *c, struct table *t, const struct timer_row *row,
                          usec_t now)
{
    char text[TIMESTAMP_TEXT_MAX], span[TIMESTAMP_TEXT_MAX];
    bool has_next = row->next != USEC_INFINITY, has_last = row->last > 0;

    table_add_json(t, has_next ? timestamp_format(text, row->next, c->timestamp) : NULL,
                   json_integer(has_next ? (json_int_t) row->next : 0));
    table_add_json(t, has_next ? format_left(span, row->next, now) : NULL,
                   json_integer(has_next ? (json_int_t) row->next : 0));
    table_add_json(t, has_last ? timestamp_format(text, row->last, c->timestamp) : NULL,
                   json_integer((json_int_t) row->last));
    table_add_json(t, has_last ? timestamp_format_relative(span, row->last, now) : NULL,
                   json_integer((json_int_t) row->last));
    table_add(t, row->unit);
    table_add(t, row->activates);
}

int ctl_list_timers(struct systemctl *c, char **args)
{
    struct table_column columns[] = {
        { "NEXT", "next" }, { "LEFT", "left", .right = true },
        { "LAST", "last" }, { "PASSED", "passed", .right = true },
        { "UNIT", "unit" }, { "ACTIVATES", "activates" },
    };
    static const char *const names[] = { "NextElapseUSecRealtime", "NextElapseUSecMonotonic",
                                         "LastTriggerUSec", "Triggers", NULL };
    auto_table struct table t = { .columns = columns, .n_columns = ELEMENTSOF(columns) };
    auto_unit_list struct unit_list list = { 0 };
    auto_free struct timer_row *rows = NULL;
    usec_t now = now_usec(CLOCK_REALTIME);

    if (fetch(c, args, "timer", &list) < 0)
        return systemctl_exit_unreachable(c);
    rows = new0(struct timer_row, list.n + 1);
    if (!rows)
        return EXIT_FAILURE;
    for (size_t i = 0; i < list.n; i++) {
        const char *unit = listed_text(list.units[i], "id");
        json_t *properties = systemctl_properties(c, unit, names, NULL);
        const char *activates = triggered_unit(properties);

        rows[i] = (struct timer_row){ unit, activates ? strdup(activates) : NULL,
                                      property_next_elapse(properties),
                                      property_number(properties, "LastTriggerUSec") };
        json_decref(properties);
    }
    qsort(rows, list.n, sizeof *rows, compare_timers);
    for (size_t i = 0; i < list.n; i++) {
        add_timer_row(c, &t, &rows[i], now);
        free(rows[i].activates);
    }
    if (!c->no_pager)
        term_pager_open();
    if (table_print(c, &t) < 0)
        return EXIT_FAILURE;
    print_count(c, list.n, "timers");
    return EXIT_SUCCESS;
}

/* ---- list-jobs ---- */

static int compare_jobs(const void *a, const void *b)
{
    json_int_t x = json_integer_value(json_object_get(*(json_t *const *) a, "id"));
    json_int_t y = json_integer_value(json_object_get(*(json_t *const *) b, "id"));

    return (x > y) - (x < y);
}

/* Below a job: the jobs it waits for, or that wait for it. */
static void print_waiting(struct systemctl *c, const json_t *job)
{
    static const struct {
        const char *member, *text;
    } lists[] = { { "waits_for", "waiting for job" }, { "waited_for_by", "blocking job" } };
    json_t *in = json_pack("{s:O}", "id", json_object_get(job, "id")), *reply, *id;

    if (systemctl_call(c, "ShowJob", in, &reply, "show a job") < 0)
        return;
    for (size_t k = 0; k < 2; k++) {
        size_t i;

        if (k == 0 ? !c->before : !c->after)
            continue;
        json_array_foreach(json_object_get(reply, lists[k].member), i, id)
        {
            printf("└─%s %lld\n", lists[k].text, json_integer_value(id));
        }
    }
    json_decref(reply);
}

int ctl_list_jobs(struct systemctl *c, char **args)
{
    struct table_column columns[] = {
        { "JOB", "job", .right = true },
        { "UNIT", "unit", .shrinks = true },
        { "TYPE", "type" },
        { "STATE", "state" },
    };
    auto_table struct table t = { .columns = columns, .n_columns = ELEMENTSOF(columns) };
    auto_strv char **patterns = NULL;
    auto_free json_t **sorted = NULL;
    json_t *reply, *jobs, *job;
    size_t i, n = 0;

    if (mangle_patterns(args, ".service", &patterns) < 0)
        return EXIT_FAILURE;
    if (systemctl_call(c, "ListJobs", NULL, &reply, "list jobs") < 0)
        return systemctl_exit_unreachable(c);
    jobs = json_object_get(reply, "jobs");
    sorted = new0(json_t *, json_array_size(jobs) + 1);
    json_array_foreach(jobs, i, job)
    {
        if (sorted && matches_patterns(patterns, listed_text(job, "unit")))
            sorted[n++] = job;
    }
    if (n > 0)
        qsort(sorted, n, sizeof *sorted, compare_jobs);
    for (i = 0; i < n; i++) {
        char id[24];

        snprintf(id, sizeof id, "%lld", json_integer_value(json_object_get(sorted[i], "id")));
        table_add_json(&t, id, json_incref(json_object_get(sorted[i], "id")));
        table_add_color(&t, listed_text(sorted[i], "unit"),
                        streq(listed_text(sorted[i], "state"), "running") ? COLOR_BOLD
                                                                          : COLOR_NONE);
        table_add(&t, listed_text(sorted[i], "type"));
        table_add(&t, listed_text(sorted[i], "state"));
    }
    if (!c->no_pager)
        term_pager_open();
    if (n == 0 && c->output == OUTPUT_TEXT) {
        if (!c->no_legend)
            printf("No jobs %s.\n", *args ? "listed" : "running");
    } else {
        table_print(c, &t);
        for (i = 0; i < n && (c->before || c->after) && c->output == OUTPUT_TEXT; i++)
            print_waiting(c, sorted[i]);
        if (!c->no_legend)
            printf("\n%zu jobs listed.\n", n);
    }
    json_decref(reply);
    return EXIT_SUCCESS;
}

int ctl_cancel(struct systemctl *c, char **args)
{
    int status = EXIT_SUCCESS;

    if (!*args) {
        if (systemctl_call(c, "CancelJob", NULL, NULL, "cancel all jobs") < 0)
            return systemctl_exit_unreachable(c);
        return EXIT_SUCCESS;
    }
    STRV_FOREACH (arg, args) {
        auto_control_error struct control_error e = { 0 };
        unsigned id;
        int r = parse_unsigned(*arg, &id);

        if (r < 0) {
            fprintf(stderr, "Failed to parse job id \"%s\": %s\n", *arg, strerror(-r));
            return EXIT_FAILURE;
        }
        r = systemctl_call_quiet(c, "CancelJob", json_pack("{s:I}", "id", (json_int_t) id), NULL,
                                 &e);
        if (r == -EHOSTDOWN)
            return systemctl_exit_unreachable(c);
        if (r < 0) {
            fprintf(stderr, "Failed to cancel job %u, ignoring: %s\n", id,
                    systemctl_error_text(r, &e));
            status = EXIT_FAILURE;
        }
    }
    return status;
}
