/* The walk over all libraries that a program needs, as ld.so(8) makes it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/glob.h"
#include "base/str.h"
#include "base/strv.h"
#include "diagnose/program.h"

#define LIBRARIES_MAX 512
#define INCLUDE_DEPTH_MAX 8

void program_libraries_done(struct program_libraries *l)
{
    for (size_t i = 0; i < l->n; i++) {
        free(l->items[i].name);
        free(l->items[i].path);
        free(l->items[i].wanted_by);
        free(l->items[i].elsewhere);
    }
    free(l->items);
    for (size_t i = 0; i < l->n_missing; i++) {
        free(l->missing_versions[i].library);
        free(l->missing_versions[i].path);
        free(l->missing_versions[i].version);
        free(l->missing_versions[i].wanted_by);
    }
    free(l->missing_versions);
    *l = (struct program_libraries){};
}

static char *below_root(const char *root, const char *path)
{
    return isempty(root) ? strdup(path) : path_join(root, path, NULL);
}

/* The folders of ld.so.conf and the files that it includes. */
static int read_ld_so_conf(const char *root, const char *path, unsigned depth, char ***folders)
{
    auto_free char *full = below_root(root, path), *text = NULL;

    if (!full)
        return -ENOMEM;
    if (depth > INCLUDE_DEPTH_MAX || file_read(full, 1 << 20, &text, NULL) < 0)
        return 0;
    auto_strv char **lines = strv_split(text, "\n");
    STRV_FOREACH (line, lines) {
        (*line)[strcspn(*line, "#")] = 0;
        char *s = strstrip(*line);
        const char *pattern = startswith(s, "include");

        if (*s == 0)
            continue;
        if (!pattern || !strchr(" \t", *pattern)) {
            if (strv_add(folders, s) < 0)
                return -ENOMEM;
            continue;
        }
        auto_strv char **found = NULL;
        auto_free char *all = below_root(root, pattern + strspn(pattern, " \t"));
        if (all && path_glob(all, &found) > 0)
            STRV_FOREACH (file, found)
                (void) read_ld_so_conf(NULL, *file, depth + 1, folders);
    }
    return 0;
}

struct search {
    const char *root;
    char **library_path; /* LD_LIBRARY_PATH */
    char **system;       /* ld.so.conf, then the usual folders */
    struct program main;
};

static void search_done(struct search *s)
{
    strv_free(s->library_path);
    strv_free(s->system);
    program_done(&s->main);
}

static int search_init(struct search *s, const char *library_path)
{
    static const char *const usual[] = {
        "/lib64",
        "/usr/lib64",
        "/lib",
        "/usr/lib",
        "/usr/local/lib",
        "/lib/x86_64-linux-gnu",
        "/usr/lib/x86_64-linux-gnu",
        "/lib/aarch64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
    };
    int r = read_ld_so_conf(s->root, "/etc/ld.so.conf", 0, &s->system);

    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(usual); i++)
        /* /usr/local/lib is searched only where ld.so.conf says so. */
        if (!streq(usual[i], "/usr/local/lib"))
            r = strv_add(&s->system, usual[i]);
    if (r >= 0 && library_path && !(s->library_path = strv_split(library_path, ":;")))
        r = -ENOMEM;
    return r;
}

/* A library of the right kind in one of the folders: 1 and its path, 0, or -ENOMEM. */
static int find_in(struct search *s, char *const *folders, const char *name, char **ret)
{
    STRV_FOREACH (folder, folders) {
        auto_free char *path = path_join(*folder, name, NULL);
        _cleanup_(program_done) struct program p = {};

        if (!path)
            return -ENOMEM;
        if (program_read(s->root, path, &p) < 0 || p.kind != PROGRAM_ELF ||
            p.machine != s->main.machine || p.bits != s->main.bits)
            continue;
        *ret = take_ptr(path);
        return 1;
    }
    return 0;
}

/* ld.so(8): DT_RPATH (of the file, then of the program), LD_LIBRARY_PATH, DT_RUNPATH, the rest. */
static int find_library(struct search *s, const struct program *by, const char *name, char **ret)
{
    char *const *const places[] = { by->search_first, s->main.search_first, s->library_path,
                                    by->search, s->system };
    int r = 0;

    if (strchr(name, '/')) {
        auto_free char *full = below_root(s->root, name);

        if (full && access(full, F_OK) == 0 && (*ret = strdup(name)))
            r = 1;
        return r;
    }
    for (size_t i = 0; r == 0 && i < ELEMENTSOF(places); i++)
        r = find_in(s, places[i], name, ret);
    return r;
}

/* Where it lies, though the loader does not look there: beside the program, or in a folder of /opt,
 * /usr/local. */
static char *find_elsewhere(struct search *s, const char *program, const char *name)
{
    auto_free char *folder = strndup(program, (size_t) (path_basename(program) - program));
    static const char *const relative[] = { "", "lib", "../lib", "../lib64", "libs" };
    static const char *const patterns[] = { "/usr/local/lib", "/opt/*/lib", "/opt/*", "/usr/lib/*",
                                            "/usr/local/*/lib" };

    for (size_t i = 0; folder && i < ELEMENTSOF(relative); i++) {
        auto_free char *path = path_join(folder, relative[i], name, NULL);
        auto_free char *full = path ? below_root(s->root, path) : NULL;

        if (full && access(full, F_OK) == 0)
            return path_simplify(take_ptr(path));
    }
    for (size_t i = 0; i < ELEMENTSOF(patterns); i++) {
        auto_free char *pattern = path_join(strempty(s->root), patterns[i], name, NULL);
        auto_strv char **found = NULL;

        if (pattern && path_glob(pattern, &found) > 0)
            return strdup(found[0] + strlen(strempty(s->root)));
    }
    return NULL;
}

static bool has_item(const struct program_libraries *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (streq(l->items[i].name, name))
            return true;
    return false;
}

static int add_item(struct program_libraries *l, const char *name, char *path, const char *by)
{
    if (!grow(&l->items, &l->allocated, l->n + 1)) {
        free(path);
        return -ENOMEM;
    }
    struct program_library *item = &l->items[l->n];
    *item = (struct program_library){ .name = strdup(name), .path = path, .wanted_by = strdup(by) };
    l->n++;
    return item->name && item->wanted_by ? 0 : -ENOMEM;
}

/* Adds what `p` needs and is not there yet. */
static int add_needed(struct search *s, const struct program *p, const char *path,
                      struct program_libraries *l)
{
    STRV_FOREACH (name, p->needed) {
        char *found = NULL;

        if (has_item(l, *name) || l->n >= LIBRARIES_MAX)
            continue;
        int r = find_library(s, p, *name, &found);
        if (r >= 0)
            r = add_item(l, *name, found, path);
        if (r < 0)
            return r;
        if (!found)
            l->items[l->n - 1].elsewhere = find_elsewhere(s, path, *name);
    }
    return 0;
}

/* Versions are looked for as strings: a definition's name is in the library's string table. */
static bool defines_version(const char *root, const char *path, const char *version)
{
    auto_free char *full = below_root(root, path), *data = NULL;
    size_t size, n = strlen(version) + 1;

    if (!full || file_read(full, 64 << 20, &data, &size) < 0)
        return true; /* cannot be told */
    return memmem(data, size, version, n);
}

static int check_versions(struct search *s, const struct program *p, const char *path,
                          struct program_libraries *l)
{
    for (size_t i = 0; i < p->n_versions; i++) {
        const struct program_version *v = &p->versions[i];
        const char *library = NULL;

        for (size_t k = 0; k < l->n && !library; k++)
            if (streq(l->items[k].name, v->library))
                library = l->items[k].path;
        if (!library || defines_version(s->root, library, v->version))
            continue;
        if (!grow(&l->missing_versions, &l->missing_allocated, l->n_missing + 1))
            return -ENOMEM;
        l->missing_versions[l->n_missing].library = strdup(v->library);
        l->missing_versions[l->n_missing].path = strdup(library);
        l->missing_versions[l->n_missing].version = strdup(v->version);
        l->missing_versions[l->n_missing++].wanted_by = strdup(path);
    }
    return 0;
}

int program_find_libraries(const char *root, const char *path, const char *library_path,
                           struct program_libraries *ret)
{
    _cleanup_(search_done) struct search s = { .root = root };
    _cleanup_(program_libraries_done) struct program_libraries l = {};
    int r = program_read(root, path, &s.main);

    if (r >= 0)
        r = search_init(&s, library_path);
    if (r >= 0)
        r = add_needed(&s, &s.main, path, &l);
    for (size_t i = 0; r >= 0 && i < l.n; i++) {
        _cleanup_(program_done) struct program p = {};

        if (l.items[i].path && program_read(root, l.items[i].path, &p) >= 0)
            r = add_needed(&s, &p, l.items[i].path, &l);
    }
    if (r >= 0)
        r = check_versions(&s, &s.main, path, &l);
    if (r < 0)
        return r;
    *ret = l;
    l = (struct program_libraries){};
    return 0;
}
