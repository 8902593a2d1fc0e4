/* cli/analyze_graph.c -- dot and dump of systemd-analyze(1): what units depend on, and all that is
 * known of them. */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "base/strv.h"
#include "cli/analyze_boot.h"
#include "cli/property.h"
#include "cli/table.h"
#include "cli/term.h"
#include "cli/unit_list.h"

/* ---- dot ---- */

static const struct {
    const char *property, *color;
    bool order;
} edges[] = {
    { "After", "green", true },         { "Requires", "black", false },
    { "Requisite", "darkblue", false }, { "BindsTo", "gold", false },
    { "Wants", "grey66", false },       { "Conflicts", "red", false },
};

static void print_edges(const struct analyze_options *o, json_t *unit, size_t kind,
                        char *const *patterns)
{
    const char *id = boot_text(unit, "Id");
    auto_strv char **to = strv_split(boot_text(unit, edges[kind].property), " ");

    if (!matches_patterns(o->from, id))
        return;
    STRV_FOREACH (name, to)
        if (matches_patterns(o->to, *name) &&
            (matches_patterns(patterns, id) || matches_patterns(patterns, *name)))
            printf("\t\"%s\"->\"%s\" [color=\"%s\"];\n", id, *name, edges[kind].color);
}

int analyze_dot(const struct analyze_options *o, char *const *args)
{
    auto_boot struct boot b = {};
    json_t *unit;
    size_t i;
    int r = boot_read(o, "Id,After,Requires,Requisite,BindsTo,Wants,Conflicts", false, &b);

    if (r < 0)
        return r;
    puts("digraph systemd {");
    json_array_foreach(b.units, i, unit) for (size_t k = 0; k < ELEMENTSOF(edges);
                                              k++) if (o->graph == GRAPH_ALL ||
                                                       edges[k].order == (o->graph == GRAPH_ORDER))
        print_edges(o, unit, k, args);
    puts("}");
    fflush(stdout);
    fputs("   Color legend: black     = Requires\n"
          "                 dark blue = Requisite\n"
          "                 gold      = BindsTo\n"
          "                 dark grey = Wants\n"
          "                 red       = Conflicts\n"
          "                 green     = After\n",
          stderr);
    if (isatty(STDOUT_FILENO))
        fputs("-- You probably want to process this output with graphviz' dot tool.\n"
              "-- Try a shell pipeline like 'systemd-analyze dot | dot -Tsvg > systemd.svg'!\n",
              stderr);
    return 0;
}

/* ---- dump ---- */

int analyze_dump(const struct analyze_options *o, char *const *args)
{
    auto_boot struct boot b = {};
    json_t *unit, *value;
    const char *name;
    size_t i;
    int r = boot_read(o, "", false, &b);

    if (r < 0)
        return r;
    term_pager_open();
    json_array_foreach(b.units, i, unit)
    {
        if (!matches_patterns(args, boot_text(unit, "Id")))
            continue;
        printf("→ Unit %s:\n", boot_text(unit, "Id"));
        json_object_foreach(unit, name, value) if (*strempty(json_string_value(value)))
            printf("\t%s: %s\n", name, json_string_value(value));
    }
    return 0;
}
