/* enable, disable, mask ... and list-unit-files, is-enabled -- unit files, with or without a
 * manager. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/strv.h"
#include "cli/dependencies.h"
#include "cli/systemctl.h"
#include "cli/table.h"
#include "cli/term.h"
#include "cli/unit_files.h"
#include "cli/unit_list.h"
#include "cli/verbs.h"
#include "unit/install.h"
#include "unit/name.h"

/* LSB's status of "status" for what is not known. */
#define STATUS_UNKNOWN 4

/* ---- arguments ---- */

/* The path as the manager sees it: absolute. */
static int make_absolute(const char *path, char **ret)
{
    auto_free char *cwd = NULL;

    if (path_is_absolute(path)) {
        *ret = strdup(path);
    } else {
        cwd = getcwd(NULL, 0);
        *ret = cwd ? path_join(cwd, path, NULL) : NULL;
    }
    if (*ret)
        path_simplify(*ret);
    return *ret ? 0 : -ENOMEM;
}

/* Names with their suffix; where `paths` are allowed, what has a slash is one. */
static int file_names(const struct systemctl *c, char **args, bool paths, char ***ret)
{
    auto_strv char **names = NULL;

    STRV_FOREACH (arg, args) {
        char *name;
        int r;

        if (strpbrk(*arg, "*?["))
            systemctl_say(c, "Glob pattern passed to %s, but globs are not supported for this.",
                          streq(c->verb->name, "is-enabled") ? "check" : c->verb->name);
        if (paths && strchr(*arg, '/'))
            r = make_absolute(*arg, &name);
        else
            r = systemctl_unit_name(c, *arg, false, ".service", &name);
        if (r >= 0)
            r = strv_push(&names, name);
        if (r < 0)
            return r;
    }
    *ret = take_ptr(names);
    return 0;
}

/* ---- what was changed ---- */

static void print_changes(const struct systemctl *c, const struct install_result *result)
{
    for (unsigned i = 0; i < result->n_changes; i++) {
        const struct install_change *change = &result->changes[i];

        switch (change->type) {
        case INSTALL_SYMLINK:
            systemctl_say(c, "Created symlink '%s' → '%s'.", change->path, change->source);
            break;
        case INSTALL_UNLINK:
            systemctl_say(c, "Removed '%s'.", change->path);
            break;
        case INSTALL_MISSING_WANTER:
            systemctl_say(c, "Unit %s is added as a dependency to a non-existent unit %s.",
                          change->path, change->source);
            break;
        case INSTALL_NO_SUCH_UNIT:
            systemctl_say(c, "Unit %s does not exist, proceeding anyway.", change->path);
            break;
        case INSTALL_CHANGE_TYPE_MAX:
            break;
        }
    }
}

static void explain_no_install(const struct systemctl *c)
{
    if (c->quiet || c->no_warn)
        return;
    systemctl_say(c, "The unit files have no installation config: no WantedBy=, RequiredBy=, "
                     "UpheldBy=,\nAlso= or Alias= in [Install] (and, for a template, no "
                     "DefaultInstance=), so that there is\nnothing to enable or disable. Other "
                     "units pull them in, or sockets, paths, timers, or\nsomebody starts them.");
}

/* ---- the verbs that change links ---- */

enum file_verb_flags {
    FILE_PATHS = 1 << 0,        /* arguments may be paths */
    FILE_ONLY_PATHS = 1 << 1,   /* they have to be */
    FILE_TELL_INSTALL = 1 << 2, /* say so if there is no [Install] */
};

static const struct file_verb {
    const char *verb;
    int (*run)(const struct install_options *o, char *const *names, struct install_result *result);
    const char *now; /* what --now does afterwards */
    unsigned flags;
} file_verbs[] = {
    { "enable", install_enable, "start", FILE_PATHS | FILE_TELL_INSTALL },
    { "disable", install_disable, "stop", FILE_TELL_INSTALL },
    { "reenable", install_reenable, "try-restart", FILE_PATHS | FILE_TELL_INSTALL },
    { "mask", install_mask, "stop", 0 },
    { "unmask", install_unmask, NULL, 0 },
    { "link", install_link, NULL, FILE_PATHS | FILE_ONLY_PATHS },
    { "revert", install_revert, NULL, 0 },
};

/* Tells what was done and what went wrong, and has the manager reload. Returns the exit status. */
static int finish(struct systemctl *c, int r, const char *doing, struct install_result *result)
{
    print_changes(c, result);
    if (r < 0) {
        fprintf(stderr, "Failed to %s: %s\n", doing, result->error ? result->error : strerror(-r));
        return EXIT_FAILURE;
    }
    return unit_files_reload_manager(c);
}

static struct install_options options_for(const struct systemctl *c, struct unit_loader *l)
{
    return (struct install_options){ .loader = l, .runtime = c->runtime, .force = c->force > 0 };
}

/* --now: paths have become names. */
static int do_now(struct systemctl *c, const char *what, char **names)
{
    auto_strv char **units = NULL;

    STRV_FOREACH (name, names)
        if (strv_add(&units, path_basename(*name)) < 0)
            return EXIT_FAILURE;
    return systemctl_run_jobs(c, what, units, NULL);
}

static int refuse_now(void)
{
    fprintf(stderr, "--now can only be used with verb enable, disable, reenable, or mask.\n");
    return EXIT_FAILURE;
}

int ctl_change_files(struct systemctl *c, char **args)
{
    const struct file_verb *v = file_verbs;
    auto_unit_loader struct unit_loader *loader = NULL;
    auto_strv char **names = NULL;
    auto_free char *doing = NULL;
    struct install_result result = { 0 };
    struct install_options options;
    int r, status;

    while (!streq(v->verb, c->verb->name))
        v++;
    if (c->now && !v->now)
        return refuse_now();
    if (c->now && (c->root || c->scope == SCOPE_GLOBAL)) {
        fprintf(stderr, "--now cannot be used with %s.\n", c->root ? "--root" : "--global");
        return EXIT_FAILURE;
    }
    STRV_FOREACH (arg, args)
        if ((v->flags & FILE_ONLY_PATHS) && !strchr(*arg, '/')) {
            fprintf(stderr,
                    "Link argument must contain at least one directory separator.\nIf you intended "
                    "to link a file in the current directory, try './%s' instead.\n",
                    *arg);
            return EXIT_FAILURE;
        }
    if (file_names(c, args, v->flags & FILE_PATHS, &names) < 0 || unit_files_open(c, &loader) < 0)
        return EXIT_FAILURE;
    options = options_for(c, loader);
    r = v->run(&options, names, &result);
    doing = format("%s unit", v->verb);
    status = finish(c, r, strempty(doing), &result);
    if (r >= 0 && (v->flags & FILE_TELL_INSTALL) && !result.has_install &&
        (result.n_changes == 0 || !streq(v->verb, "disable")))
        explain_no_install(c);
    install_result_done(&result);
    if (r >= 0 && status == EXIT_SUCCESS && c->now && v->now)
        status = do_now(c, v->now, names);
    return status;
}

static enum preset_mode preset_mode_of(const struct systemctl *c)
{
    return streq(c->preset_mode, "enable-only")    ? PRESET_ENABLE_ONLY
           : streq(c->preset_mode, "disable-only") ? PRESET_DISABLE_ONLY
                                                   : PRESET_FULL;
}

int ctl_preset(struct systemctl *c, char **args)
{
    auto_unit_loader struct unit_loader *loader = NULL;
    auto_strv char **names = NULL;
    struct install_result result = { 0 };
    struct install_options options;
    int r, status;

    if (c->now)
        return refuse_now();
    if (file_names(c, args, false, &names) < 0 || unit_files_open(c, &loader) < 0)
        return EXIT_FAILURE;
    options = options_for(c, loader);
    if (streq(c->verb->name, "preset-all")) {
        r = install_preset_all(&options, preset_mode_of(c), &result);
        status = finish(c, r, "preset all units", &result);
    } else {
        r = install_preset(&options, names, preset_mode_of(c), &result);
        status = finish(c, r, "preset unit", &result);
    }
    install_result_done(&result);
    return status;
}

int ctl_add_dependency(struct systemctl *c, char **args)
{
    auto_unit_loader struct unit_loader *loader = NULL;
    auto_free char *target = NULL;
    auto_strv char **names = NULL;
    struct install_result result = { 0 };
    struct install_options options;
    int r = unit_name_mangle(args[0], false, ".target", &target), status;

    if (r < 0) {
        fprintf(stderr, "Failed to mangle unit name '%s': %s\n", args[0], strerror(-r));
        return EXIT_FAILURE;
    }
    if (file_names(c, args + 1, false, &names) < 0 || unit_files_open(c, &loader) < 0)
        return EXIT_FAILURE;
    options = options_for(c, loader);
    r = install_add_dependency(&options, names, target,
                               streq(c->verb->name, "add-wants") ? "wants" : "requires", &result);
    status = finish(c, r, "add dependency", &result);
    install_result_done(&result);
    return status;
}

int ctl_set_default(struct systemctl *c, char **args)
{
    auto_unit_loader struct unit_loader *loader = NULL;
    auto_free char *target = NULL;
    struct install_result result = { 0 };
    struct install_options options;
    int r = unit_name_mangle(args[0], false, ".target", &target), status;

    if (r < 0 || unit_files_open(c, &loader) < 0)
        return EXIT_FAILURE;
    options = options_for(c, loader);
    options.force = true;
    r = install_set_default(&options, target, &result);
    status = finish(c, r, c->root ? "set default unit" : "set default target", &result);
    install_result_done(&result);
    return status;
}

int ctl_get_default(struct systemctl *c, char **args)
{
    auto_unit_loader struct unit_loader *loader = NULL;
    auto_free char *target = NULL;
    int r;

    if (unit_files_open(c, &loader) < 0)
        return EXIT_FAILURE;
    r = install_get_default(loader, &target);
    if (r < 0) {
        fprintf(stderr, "Failed to get default target: %s\n", strerror(-r));
        return EXIT_FAILURE;
    }
    printf("%s\n", target);
    return EXIT_SUCCESS;
}

/* ---- is-enabled ---- */

static bool counts_as_enabled(enum unit_file_state state)
{
    return state == UNIT_FILE_ENABLED || state == UNIT_FILE_ENABLED_RUNTIME ||
           state == UNIT_FILE_STATIC || state == UNIT_FILE_ALIAS || state == UNIT_FILE_INDIRECT ||
           state == UNIT_FILE_GENERATED;
}

/* --full: the links that `disable` would take away. */
static void print_install_links(struct unit_loader *l, const char *name)
{
    struct install_options options = { .loader = l, .dry_run = true };
    char *names[] = { (char *) name, NULL };
    struct install_result result = { 0 };

    if (install_disable(&options, names, &result) >= 0)
        for (unsigned i = 0; i < result.n_changes; i++)
            if (result.changes[i].type == INSTALL_UNLINK)
                printf("  %s\n", result.changes[i].path);
    install_result_done(&result);
}

int ctl_is_enabled(struct systemctl *c, char **args)
{
    auto_unit_loader struct unit_loader *loader = NULL;
    auto_strv char **names = NULL;
    bool enabled = false, found = false;
    json_t *states = json_array();

    STRV_FOREACH (arg, args)
        if (strchr(*arg, '/')) {
            auto_free char *path = NULL;

            if (make_absolute(*arg, &path) >= 0)
                fprintf(stderr, "Failed to get unit file state for %s: %s\n", path,
                        strerror(EINVAL));
            json_decref(states);
            return EXIT_FAILURE;
        }
    if (file_names(c, args, false, &names) < 0 || unit_files_open(c, &loader) < 0) {
        json_decref(states);
        return EXIT_FAILURE;
    }
    STRV_FOREACH (name, names) {
        enum unit_file_state state = UNIT_FILE_NOT_FOUND;
        int r = install_state(loader, *name, &state);

        if (r < 0) {
            fprintf(stderr, "Failed to get unit file state for %s: %s\n", *name, strerror(-r));
            json_decref(states);
            return EXIT_FAILURE;
        }
        enabled |= counts_as_enabled(state);
        found |= state != UNIT_FILE_NOT_FOUND;
        json_array_append_new(states, json_pack("{s:s, s:s}", "unit", *name, "state",
                                                unit_file_state_to_string((int) state)));
        if (c->quiet || c->output != OUTPUT_TEXT)
            continue;
        printf("%s\n", unit_file_state_to_string((int) state));
        if (c->full)
            print_install_links(loader, *name);
    }
    if (c->output != OUTPUT_TEXT)
        json_print_reply(c, states);
    else
        json_decref(states);
    return enabled ? EXIT_SUCCESS : found ? EXIT_FAILURE : STATUS_UNKNOWN;
}

/* ---- list-unit-files ---- */

struct file_row {
    char *name;
    enum unit_file_state state;
};

static int compare_rows(const void *a, const void *b)
{
    const char *x = ((const struct file_row *) a)->name, *y = ((const struct file_row *) b)->name;
    int r = strcasecmp(strrchr(x, '.'), strrchr(y, '.'));

    return r != 0 ? r : strcasecmp(x, y);
}

/* A preset says nothing about what cannot be enabled. */
static const char *preset_text(struct unit_loader *l, const struct file_row *row)
{
    int r;

    if (row->state == UNIT_FILE_STATIC || row->state == UNIT_FILE_ALIAS ||
        row->state == UNIT_FILE_GENERATED || row->state == UNIT_FILE_TRANSIENT)
        return NULL;
    r = install_preset_enables(l, row->name);
    return r < 0 ? NULL : r > 0 ? "enabled" : "disabled";
}

static enum color state_color(enum unit_file_state state)
{
    switch (state) {
    case UNIT_FILE_ENABLED:
    case UNIT_FILE_ENABLED_RUNTIME:
    case UNIT_FILE_ALIAS:
        return COLOR_GREEN;
    case UNIT_FILE_MASKED:
    case UNIT_FILE_MASKED_RUNTIME:
    case UNIT_FILE_DISABLED:
    case UNIT_FILE_BAD:
        return COLOR_RED;
    case UNIT_FILE_LINKED:
    case UNIT_FILE_LINKED_RUNTIME:
    case UNIT_FILE_STATIC:
    case UNIT_FILE_INDIRECT:
    case UNIT_FILE_GENERATED:
    case UNIT_FILE_TRANSIENT:
    case UNIT_FILE_NOT_FOUND:
    case UNIT_FILE_STATE_MAX:
        break;
    }
    return COLOR_NONE;
}

static bool row_is_wanted(const struct systemctl *c, char *const *patterns, const char *name)
{
    return (!c->types || strv_contains(c->types, strrchr(name, '.') + 1)) &&
           matches_patterns(patterns, name);
}

static int collect_rows(const struct systemctl *c, struct unit_loader *l, char *const *patterns,
                        struct file_row **rows, size_t *n)
{
    struct unit_file file;
    size_t position = 0, allocated = 0;

    while (unit_loader_next(l, &position, &file)) {
        struct file_row row = { NULL, UNIT_FILE_BAD };

        if (!row_is_wanted(c, patterns, file.name))
            continue;
        if (install_state(l, file.name, &row.state) < 0)
            continue;
        if (c->states && !strv_contains(c->states, unit_file_state_to_string((int) row.state)))
            continue;
        row.name = strdup(file.name);
        if (!row.name || !grow(rows, &allocated, *n + 1))
            return -ENOMEM;
        (*rows)[(*n)++] = row;
    }
    return 0;
}

/* Patterns as typed, with a suffix where there is none. */
static int file_patterns(struct systemctl *c, char **args, char ***ret)
{
    STRV_FOREACH (arg, args) {
        auto_free char *name = NULL;
        int r = unit_name_mangle(*arg, true, ".service", &name);

        if (r >= 0)
            r = strv_add(ret, name);
        if (r < 0) {
            fprintf(stderr, "Failed to mangle unit name '%s': %s\n", *arg, strerror(-r));
            return r;
        }
    }
    return c->with_dependencies && *ret ? dependencies_add(c, ret) : 0;
}

int ctl_list_unit_files(struct systemctl *c, char **args)
{
    struct table_column columns[] = {
        { "UNIT FILE", "unit_file", .shrinks = true },
        { "STATE", "state" },
        { "PRESET", "preset" },
    };
    auto_table struct table t = { .columns = columns, .n_columns = ELEMENTSOF(columns) };
    auto_unit_loader struct unit_loader *loader = NULL;
    auto_strv char **patterns = NULL;
    auto_free struct file_row *rows = NULL;
    size_t n = 0;

    if (file_patterns(c, args, &patterns) < 0 || unit_files_open(c, &loader) < 0 ||
        collect_rows(c, loader, patterns, &rows, &n) < 0)
        return EXIT_FAILURE;
    if (n > 0)
        qsort(rows, n, sizeof *rows, compare_rows);
    for (size_t i = 0; i < n; i++) {
        const char *preset = preset_text(loader, &rows[i]);

        table_add(&t, rows[i].name);
        table_add_color(&t, unit_file_state_to_string((int) rows[i].state),
                        state_color(rows[i].state));
        table_add_color(&t, preset,
                        !preset                    ? COLOR_NONE
                        : streq(preset, "enabled") ? COLOR_GREEN
                                                   : COLOR_RED);
        free(rows[i].name);
    }
    if (!c->no_pager)
        term_pager_open();
    if (table_print(c, &t) < 0)
        return EXIT_FAILURE;
    if (!c->no_legend)
        printf("\n%zu unit files listed.\n", n);
    return n == 0 && patterns ? EXIT_FAILURE : EXIT_SUCCESS;
}
