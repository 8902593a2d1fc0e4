/* cli/analyze_files.c -- where units and configuration files are. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/map.h"
#include "base/str.h"
#include "base/strv.h"
#include "cli/analyze.h"
#include "cli/cat.h"
#include "cli/term.h"
#include "cli/unit_files.h"
#include "cli/unit_list.h"

/* ---- unit-paths ---- */

int analyze_unit_paths(const struct analyze_options *o, char *const *args)
{
    static const enum unit_scope scopes[] = { [SCOPE_SYSTEM] = UNIT_SCOPE_SYSTEM,
                                              [SCOPE_USER] = UNIT_SCOPE_USER,
                                              [SCOPE_GLOBAL] = UNIT_SCOPE_GLOBAL };
    struct unit_paths paths = { 0 };
    auto_strv char **shown = NULL;
    int r = unit_paths_new(&(struct unit_paths_options){ .scope = scopes[o->ctl.scope] }, &paths);

    (void) args;
    if (r < 0) {
        fprintf(stderr, "Failed to find the folders of units: %s\n", strerror(-r));
        return r;
    }
    /* Each folder once, whatever links lead to it. */
    STRV_FOREACH (p, paths.search) {
        auto_free char *real = realpath(*p, NULL);

        if (r >= 0 && !(o->ctl.scope == SCOPE_GLOBAL && endswith(*p, ".control")))
            r = strv_add(&shown, real ? real : *p);
    }
    strv_unique(shown);
    STRV_FOREACH (p, shown)
        puts(*p);
    unit_paths_done(&paths);
    return r;
}

/* ---- unit-files ---- */

struct names {
    char *name;  /* the real one */
    char **also; /* all names of it */
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct names *) a)->name, ((const struct names *) b)->name);
}

/* The names that lead to each real name. */
static int add_alias(struct names **list, size_t *n, size_t *allocated, const char *real,
                     const char *name)
{
    size_t i = 0;

    while (i < *n && !streq((*list)[i].name, real))
        i++;
    if (i == *n) {
        if (!grow(list, allocated, *n + 1) || !((*list)[i].name = strdup(real)))
            return -ENOMEM;
        ++*n;
    }
    return strv_add(&(*list)[i].also, name);
}

static bool any_matches(char *const *patterns, char *const *names)
{
    STRV_FOREACH (n, names)
        if (matches_patterns(patterns, *n))
            return true;
    return false;
}

static int list_unit_files(struct unit_loader *l, char *const *patterns)
{
    struct names *list = NULL;
    auto_strv char **ids = NULL;
    size_t n = 0, allocated = 0, position = 0;
    struct unit_file file;
    int r = 0;

    while (r >= 0 && unit_loader_next(l, &position, &file)) {
        auto_free char *real = NULL;
        struct unit_file end;

        if (!file.path)
            continue;
        if (file.alias && !file.masked)
            r = unit_loader_resolve(l, file.name, &real, &end);
        /* A masked unit as the link that masks it. */
        if (file.masked && file.folder && !(real = path_join(file.folder, file.name, NULL)))
            r = -ENOMEM;
        const char *target = real ? real : file.path;
        if (r >= 0 && (matches_patterns(patterns, file.name) || matches_patterns(patterns, target)))
            r = strv_addf(&ids, "ids: %s → %s", file.name, target);
        if (r >= 0 && !file.masked)
            r = add_alias(&list, &n, &allocated, real ? real : file.name, file.name);
    }
    strv_sort(ids);
    STRV_FOREACH (id, ids)
        puts(*id);
    qsort(list, n, sizeof *list, compare_names);
    for (size_t i = 0; i < n; i++) {
        strv_sort(list[i].also);
        auto_free char *also = strv_join(list[i].also, ", ");

        if (r >= 0 &&
            (matches_patterns(patterns, list[i].name) || any_matches(patterns, list[i].also)))
            printf("aliases: %s ← %s\n", list[i].name, strempty(also));
        free(list[i].name);
        strv_free(list[i].also);
    }
    free(list);
    return r;
}

int analyze_unit_files(const struct analyze_options *o, char *const *args)
{
    auto_unit_loader struct unit_loader *loader = NULL;
    int r = unit_files_open(&o->ctl, &loader);

    if (r < 0)
        return r;
    r = list_unit_files(loader, args);
    if (r < 0)
        fprintf(stderr, "Failed to list the unit files: %s\n", strerror(-r));
    return r;
}

/* ---- cat-config ---- */

static const char *const prefixes[] = { "/etc", "/run", "/usr/local/lib", "/usr/lib" };

static int compare_drop_ins(const void *a, const void *b)
{
    return strcmp(path_basename(*(char *const *) a), path_basename(*(char *const *) b));
}

/* The *.conf files of one folder whose names no earlier folder has. */
static int add_drop_ins(const char *folder, char ***to)
{
    auto_closedir DIR *dir = opendir(folder);
    auto_strv char **found = NULL;
    int r = 0;

    for (struct dirent *d; dir && r >= 0 && (d = readdir(dir));) {
        bool known = false;

        STRV_FOREACH (p, *to)
            known = known || streq(path_basename(*p), d->d_name);
        if (!known && *d->d_name != '.' && endswith(d->d_name, ".conf"))
            r = strv_addf(&found, "%s/%s", folder, d->d_name);
    }
    return r < 0 ? r : strv_extend(to, found, false);
}

static int cat_config(const char *root, const char *name, bool brief)
{
    auto_strv char **drop_ins = NULL;
    auto_free char *main_file = NULL;
    bool first = true;
    int r = 0;

    for (size_t i = 0; i < ELEMENTSOF(prefixes) && r >= 0; i++) {
        auto_free char *path = format("%s%s/%s", root, prefixes[i], name), *folder = NULL;

        folder = path ? format("%s.d", path) : NULL;
        r = folder ? add_drop_ins(folder, &drop_ins) : -ENOMEM;
        if (r >= 0 && !main_file && access(path, F_OK) == 0)
            main_file = take_ptr(path);
    }
    if (r < 0)
        return r;
    if (drop_ins)
        qsort(drop_ins, strv_length(drop_ins), sizeof *drop_ins, compare_drop_ins);
    if (main_file)
        r = cat_file(main_file, &first, brief);
    else
        printf("# Main configuration file %s not found\n", name);
    STRV_FOREACH (p, drop_ins)
        if (r >= 0)
            r = cat_file(*p, &first, brief);
    return r;
}

int analyze_cat_config(const struct analyze_options *o, char *const *args)
{
    if (!o->ctl.no_pager)
        term_pager_open();
    STRV_FOREACH (arg, args) {
        const char *name = *arg;

        if (*name == '/') {
            name = NULL;
            for (size_t i = 0; i < ELEMENTSOF(prefixes) && !name; i++)
                name = path_startswith(*arg, prefixes[i]);
            if (!name) {
                fprintf(stderr, "Path %s does not start with any known prefix.\n", *arg);
                return -EINVAL;
            }
        }
        if (arg != args)
            printf("\n\n");
        int r = cat_config(strempty(o->ctl.root), name, o->tldr);
        if (r < 0)
            return r;
    }
    return 0;
}
