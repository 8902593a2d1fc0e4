/* list-dependencies, and --with-dependencies. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "base/strv.h"
#include "cli/dependencies.h"
#include "cli/state_symbol.h"
#include "cli/table.h"
#include "cli/term.h"
#include "cli/unit_list.h"
#include "cli/verbs.h"
#include "unit/name.h"

/* Deeper than any real chain: where it is passed the tree is cut. */
#define DEPTH_MAX 64

static const char *const kinds[][7] = {
    [DIRECTION_FORWARD] = { "Requires", "Requisite", "Wants", "ConsistsOf", "BindsTo", "Upholds" },
    [DIRECTION_REVERSE] = { "RequiredBy", "RequisiteOf", "WantedBy", "PartOf", "BoundBy",
                            "UpheldBy" },
    [DIRECTION_AFTER] = { "After" },
    [DIRECTION_BEFORE] = { "Before" },
};

/* Targets last, else by name. */
static int compare_names(const void *a, const void *b)
{
    const char *x = *(char *const *) a, *y = *(char *const *) b;
    bool x_target = endswith(x, ".target"), y_target = endswith(y, ".target");

    return x_target != y_target ? x_target - y_target : strcasecmp(x, y);
}

bool matches_patterns(char *const *patterns, const char *text)
{
    STRV_FOREACH (p, patterns)
        if (fnmatch(*p, text, FNM_NOESCAPE) == 0)
            return true;
    return !patterns || !*patterns;
}

int dependencies_of(struct systemctl *c, const char *unit, char ***ret)
{
    const char *const *names = kinds[c->direction];
    auto_control_error struct control_error e = { 0 };
    auto_strv char **found = NULL;
    json_t *properties = systemctl_properties(c, unit, names, &e), *value;

    if (!properties) {
        if (e.message)
            fprintf(stderr, "Failed to get properties of %s: %s\n", unit, e.message);
        return -EIO;
    }
    for (; *names; names++) {
        size_t i;

        json_array_foreach(json_object_get(properties, *names), i, value)
        {
            strv_add(&found, json_string_value(value));
        }
    }
    json_decref(properties);
    strv_unique(found);
    if (found)
        qsort(found, strv_length(found), sizeof *found, compare_names);
    *ret = take_ptr(found);
    return 0;
}

int dependencies_add(struct systemctl *c, char ***names)
{
    /* The list grows while it is walked, and each name is in it once. */
    for (size_t i = 0; *names && (*names)[i]; i++) {
        auto_strv char **below = NULL;
        int r = dependencies_of(c, (*names)[i], &below);

        if (r >= 0)
            r = strv_extend(names, below, true);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The tree being printed. */
struct tree {
    struct systemctl *c;
    char **path;              /* units above the one that is printed (--plain: all before it) */
    bool more[DEPTH_MAX + 1]; /* whether another branch follows at that level */
    json_t *json;             /* the innermost array, with -o json */
};

static void print_node(struct tree *t, const char *name, unsigned level, bool last)
{
    static const char *const wanted[] = { "ActiveState", NULL };
    struct systemctl *c = t->c;

    if (c->plain) {
        printf("  %s\n", name);
        return;
    }
    if (streq(name, "...")) {
        printf("  ");
    } else {
        json_t *properties = systemctl_properties(c, name, wanted, NULL);

        print_state_symbol(property_text(properties, "ActiveState"), NULL);
        putchar(' ');
        json_decref(properties);
    }
    for (unsigned i = 0; i < level; i++)
        fputs(t->more[i] ? "│ " : "  ", stdout);
    printf("%s%s\n", last ? "└─" : "├─", name);
}

static int print_below(struct tree *t, const char *name, unsigned level)
{
    auto_strv char **below = NULL;
    bool circular = false;
    int r = dependencies_of(t->c, name, &below);

    if (r >= 0)
        r = strv_add(&t->path, name);
    if (r < 0)
        return r;
    for (char **dependency = below; dependency && *dependency; dependency++) {
        const char *type = strrchr(*dependency, '.') + 1;
        bool last = !dependency[1];

        if (strv_contains(t->path, *dependency)) {
            circular = true;
            continue;
        }
        if (t->c->types && !strv_contains(t->c->types, type))
            continue;
        print_node(t, *dependency, level, last);
        if ((!t->c->all && !streq(type, "target")) || level + 1 >= DEPTH_MAX)
            continue;
        t->more[level] = !last;
        r = print_below(t, *dependency, level + 1);
        if (r < 0)
            return r;
    }
    if (circular && !t->c->plain)
        print_node(t, "...", level, true);
    if (!t->c->plain)
        strv_remove(t->path, name);
    return 0;
}

/* With -o json: an object a unit, "dependencies" below it. */
static json_t *describe_below(struct tree *t, const char *name, unsigned level)
{
    json_t *node = json_pack("{s:s, s:[]}", "unit", name, "dependencies");
    auto_strv char **below = NULL;

    if (dependencies_of(t->c, name, &below) < 0 || strv_add(&t->path, name) < 0) {
        json_decref(node);
        return NULL;
    }
    STRV_FOREACH (dependency, below) {
        bool deeper = (t->c->all || endswith(*dependency, ".target")) && level < DEPTH_MAX;
        json_t *child;

        if (strv_contains(t->path, *dependency))
            continue;
        child = deeper ? describe_below(t, *dependency, level + 1)
                       : json_pack("{s:s}", "unit", *dependency);
        if (child)
            json_array_append_new(json_object_get(node, "dependencies"), child);
    }
    strv_remove(t->path, name);
    return node;
}

int ctl_list_dependencies(struct systemctl *c, char **args)
{
    static char *standard[] = { (char *) "default.target", NULL };
    auto_strv char **names = NULL;
    int r = systemctl_connect(c);

    if (r >= 0)
        r = systemctl_unit_names(c, *args ? args : standard, ".service", NULL, &names);
    if (r < 0)
        return systemctl_exit_unreachable(c);
    /* As systemctl: with --type= there is no tree, since its branches may be missing. */
    c->plain |= c->types != NULL;
    if (!c->no_pager)
        term_pager_open();
    STRV_FOREACH (name, names) {
        struct tree tree = { .c = c };

        if (c->output != OUTPUT_TEXT) {
            json_print_reply(c, describe_below(&tree, *name, 0));
        } else {
            if (name != names)
                putchar('\n');
            printf("%s%s%s\n", term_color(COLOR_BOLD), *name, term_reset());
            r = print_below(&tree, *name, 0);
        }
        strv_free(tree.path);
        if (r < 0)
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
