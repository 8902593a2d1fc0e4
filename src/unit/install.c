#include "unit/install.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "unit/builtin.h"
#include "unit/install-private.h"
#include "unit/load.h"
#include "unit/name.h"
#include "unit/specifier.h"

void install_result_done(struct install_result *r)
{
    for (unsigned i = 0; i < r->n_changes; i++) {
        free(r->changes[i].path);
        free(r->changes[i].source);
    }
    free(r->changes);
    free(r->error);
    *r = (struct install_result){};
}

static int add_change(struct install_result *r, enum install_change_type type, const char *path,
                      const char *source)
{
    struct install_change *bigger = realloc(r->changes, (r->n_changes + 1) * sizeof *bigger);

    if (!bigger)
        return -ENOMEM;
    r->changes = bigger;
    struct install_change *c = &bigger[r->n_changes];
    *c = (struct install_change){ .type = type, .path = strdup(path) };
    if (source)
        c->source = strdup(source);
    r->n_changes++;
    return c->path && (!source || c->source) ? 0 : -ENOMEM;
}

__attribute__((format(printf, 3, 4))) static int fail(struct install_result *r, int error,
                                                      const char *fmt, ...)
{
    va_list ap;

    free(r->error);
    va_start(ap, fmt);
    r->error = vformat(fmt, ap);
    va_end(ap);
    return r->error ? error : -ENOMEM;
}

const char *install_config_folder(const struct install_options *o)
{
    const struct unit_paths *p = unit_loader_paths(o->loader);

    return o->runtime ? p->runtime_config : p->persistent_config;
}

bool is_links_folder(const char *name)
{
    return endswith(name, ".wants") || endswith(name, ".requires") || endswith(name, ".upholds");
}

/* Reading. */

void install_unit_done(struct install_unit *u)
{
    free(u->name);
    free(u->path);
    free(u->link);
    strv_free(u->alias);
    strv_free(u->wanted_by);
    strv_free(u->required_by);
    strv_free(u->upheld_by);
    strv_free(u->also);
    free(u->default_instance);
    *u = (struct install_unit){};
}

bool install_unit_has_rules(const struct install_unit *u)
{
    return strv_length(u->alias) + strv_length(u->wanted_by) + strv_length(u->required_by) +
               strv_length(u->upheld_by) >
           0;
}

static int expand_names(const struct specifier_context *x, char *const *names, char ***ret)
{
    STRV_FOREACH (n, names) {
        char *expanded = NULL;
        int r = specifier_expand(x, *n, 0, &expanded, NULL);

        if (r == -ENOMEM || (r >= 0 && strv_push(ret, expanded) < 0))
            return -ENOMEM;
    }
    return 0;
}

static int copy_rules(struct unit_loader *l, const struct unit_config *c, struct install_unit *u)
{
    const struct unit_paths *paths = unit_loader_paths(l);
    const struct install_section *i = c->install;
    /* A template without instance: %i is its default instance. */
    auto_free char *instance = NULL;
    int r = 0;

    if (unit_name_is_valid(u->name, UNIT_NAME_TEMPLATE) && i->default_instance)
        r = unit_name_with_instance(u->name, i->default_instance, &instance);
    if (r == -ENOMEM)
        return r;
    struct specifier_context x = { .name = instance ? instance : u->name,
                                   .root = paths->root,
                                   .user = paths->user };
    r = expand_names(&x, i->alias, &u->alias);
    if (r >= 0)
        r = expand_names(&x, i->wanted_by, &u->wanted_by);
    if (r >= 0)
        r = expand_names(&x, i->required_by, &u->required_by);
    if (r >= 0)
        r = expand_names(&x, i->upheld_by, &u->upheld_by);
    if (r >= 0)
        r = expand_names(&x, i->also, &u->also);
    if (r >= 0 && i->default_instance)
        r = str_replace(&u->default_instance, i->default_instance);
    return r;
}

/* A link from a search folder to a file elsewhere: the file is what further links point to. */
static int resolve_linked(const struct unit_paths *paths, struct install_unit *u)
{
    auto_free char *target = NULL;

    if (readlink_alloc(u->path, &target) < 0 || !path_is_absolute(target))
        return 0;
    char *full = isempty(paths->root) ? strdup(target) : path_join(paths->root, target, NULL);
    if (!full)
        return -ENOMEM;
    u->link = u->path;
    u->path = full;
    return 0;
}

static int read_rules(struct unit_loader *l, struct install_unit *u)
{
    struct unit_config *c = NULL;
    int r = unit_load_file(l, u->path, u->name, false, &c);

    if (r < 0)
        return r;
    if (c->load_state == LOAD_MASKED)
        u->masked = true;
    else
        r = copy_rules(l, c, u);
    unit_config_free(c);
    return r;
}

static const char *search_folder(const struct unit_paths *paths, const char *path)
{
    STRV_FOREACH (s, paths->search) {
        const char *rest = startswith(path, *s);

        if (rest && *rest == '/' && !strchr(rest + 1, '/'))
            return *s;
    }
    return NULL;
}

int install_unit_read(struct unit_loader *l, const char *name, struct install_unit *ret)
{
    const struct unit_paths *paths = unit_loader_paths(l);
    struct install_unit u = {};
    struct unit_file f;

    if (!unit_name_is_valid(name, UNIT_NAME_ANY))
        return -EINVAL;
    int r = unit_loader_resolve(l, name, &u.name, &f);
    if (r <= 0)
        return r < 0 ? r : -ENOENT;
    if (!f.masked && !f.path) {
        install_unit_done(&u); /* built in: there is no file to link to */
        return -ENOENT;
    }
    u.masked = f.masked;
    u.folder = f.folder;
    u.path = f.masked ? path_join(f.folder, f.name, NULL) : strdup(f.path);
    r = u.path ? 0 : -ENOMEM;
    if (r >= 0 && !u.masked)
        r = resolve_linked(paths, &u);
    if (r >= 0 && !u.masked)
        r = read_rules(l, &u);
    if (r < 0) {
        install_unit_done(&u);
        return r;
    }
    *ret = u;
    return 0;
}

/* Links. */

/* The path as links have it: without the root. */
static const char *without_root(const struct unit_paths *paths, const char *path)
{
    const char *rest = isempty(paths->root) ? NULL : startswith(path, paths->root);

    return rest && *rest == '/' ? rest : path;
}

static int make_link(const struct install_options *o, const char *source, const char *path,
                     struct install_result *result)
{
    const char *shown = without_root(unit_loader_paths(o->loader), path);
    auto_free char *old = NULL;

    if (readlink_alloc(path, &old) >= 0) {
        if (streq(old, source))
            return 0;
        if (!o->force)
            return fail(result, -EEXIST, "File '%s' already exists and is a symlink to %s", path,
                        old);
        if (!o->dry_run && unlink(path) < 0)
            return fail(result, -errno, "Cannot remove %s: %s", path, strerror(errno));
        int r = add_change(result, INSTALL_UNLINK, path, NULL);
        if (r < 0)
            return r;
    } else if (access(path, F_OK) >= 0) {
        return fail(result, -EEXIST, "File '%s' already exists", shown);
    }
    if (!o->dry_run) {
        int r = mkdir_parents(path, 0755);

        if (r >= 0 && symlink(source, path) < 0)
            r = -errno;
        if (r < 0)
            return fail(result, r, "Cannot make the link %s: %s", path, strerror(-r));
    }
    return add_change(result, INSTALL_SYMLINK, path, source);
}

static int link_aliases(const struct install_options *o, const struct install_unit *u,
                        struct install_result *result)
{
    const struct unit_paths *paths = unit_loader_paths(o->loader);

    STRV_FOREACH (a, u->alias) {
        auto_free char *path = path_join(install_config_folder(o), *a, NULL);

        if (!path)
            return -ENOMEM;
        if (!unit_name_is_valid(*a, UNIT_NAME_ANY) || unit_name_type(*a) != unit_name_type(u->name))
            return fail(result, -EXDEV, "\"%s\" is not a valid alias of %s", *a, u->name);
        int r = make_link(o, without_root(paths, u->path), path, result);
        if (r < 0)
            return r;
    }
    return 0;
}

/* The name under which the unit is wanted: a template's is that of its default instance. */
static int wanted_name(const struct install_unit *u, char **ret)
{
    if (unit_name_is_valid(u->name, UNIT_NAME_TEMPLATE) && u->default_instance)
        return unit_name_with_instance(u->name, u->default_instance, ret);
    *ret = strdup(u->name);
    return *ret ? 0 : -ENOMEM;
}

/* A unit that now wants it and does not exist is told of, even where the link was there before. */
static int tell_missing(const struct install_options *o, const struct install_unit *u,
                        const char *target, struct install_result *result)
{
    struct unit_file f;
    int r = unit_loader_find(o->loader, target, &f);

    if (r == 0)
        r = add_change(result, INSTALL_MISSING_WANTER,
                       without_root(unit_loader_paths(o->loader), u->path), target);
    return r < 0 ? r : 0;
}

static int link_wanted(const struct install_options *o, const struct install_unit *u,
                       char *const *targets, const char *suffix, struct install_result *result)
{
    const struct unit_paths *paths = unit_loader_paths(o->loader);
    auto_free char *name = NULL;
    int r = wanted_name(u, &name);

    STRV_FOREACH (t, targets) {
        auto_free char *folder = NULL, *path = NULL;

        if (r < 0)
            return r;
        if (!unit_name_is_valid(*t, UNIT_NAME_ANY))
            return fail(result, -EINVAL, "\"%s\" is not a valid unit name", *t);
        if (unit_name_is_valid(name, UNIT_NAME_TEMPLATE) &&
            !unit_name_is_valid(*t, UNIT_NAME_TEMPLATE))
            return fail(result, -EUCLEAN,
                        "Refusing to operate on template unit %s when destination unit %s is a "
                        "non-template unit",
                        name, *t);
        folder = format("%s%s", *t, suffix);
        path = folder ? path_join(install_config_folder(o), folder, name, NULL) : NULL;
        r = path ? make_link(o, without_root(paths, u->path), path, result) : -ENOMEM;
        if (r >= 0)
            r = tell_missing(o, u, *t, result);
    }
    return r;
}

/* A unit outside of the search path is made known by a link of its own. */
static int link_itself(const struct install_options *o, const struct install_unit *u,
                       struct install_result *result)
{
    const struct unit_paths *paths = unit_loader_paths(o->loader);

    if (u->link || search_folder(paths, u->path))
        return 0;
    auto_free char *path = path_join(install_config_folder(o), path_basename(u->path), NULL);
    return path ? make_link(o, without_root(paths, u->path), path, result) : -ENOMEM;
}

static int no_such_unit(const char *name, int r, struct install_result *result)
{
    if (r == -ENOENT)
        return fail(result, r, "Unit %s does not exist", name);
    if (r == -EINVAL)
        return fail(result, r, "\"%s\" is not a valid unit name", name);
    return r == -ENOMEM ? r : fail(result, r, "Unit %s cannot be read: %s", name, strerror(-r));
}

/* A name, or the path of a file. */
static int read_unit(const struct install_options *o, const char *text, struct install_unit *u,
                     struct install_result *result)
{
    int r;

    if (!path_is_absolute(text)) {
        r = install_unit_read(o->loader, text, u);
    } else {
        const char *name = path_basename(text);
        const char *root = unit_loader_paths(o->loader)->root;

        if (!unit_name_is_valid(name, UNIT_NAME_ANY))
            return no_such_unit(text, -EINVAL, result);
        *u = (struct install_unit){ .name = strdup(name),
                                    .path = isempty(root) ? strdup(text)
                                                          : path_join(root, text, NULL) };
        r = !u->name || !u->path        ? -ENOMEM
            : access(u->path, R_OK) < 0 ? -errno
                                        : read_rules(o->loader, u);
        if (r < 0)
            install_unit_done(u);
    }
    if (r < 0)
        return no_such_unit(text, r, result);
    if (u->masked) {
        r = fail(result, -ERFKILL, "Unit %s is masked",
                 without_root(unit_loader_paths(o->loader), u->path));
        install_unit_done(u);
    }
    return r;
}

/* Calls `work` for each unit and those that Also= names, each once. */
typedef int (*unit_work)(const struct install_options *o, const struct install_unit *u,
                         struct install_result *result);

static int for_each_unit(const struct install_options *o, char *const *names, unit_work work,
                         struct install_result *result)
{
    auto_strv char **queue = strv_copy(names);

    if (!queue)
        return -ENOMEM;
    for (size_t i = 0; queue[i]; i++) {
        bool asked = i < strv_length(names);
        struct install_unit u;
        int r = read_unit(o, queue[i], &u, result);

        if (r < 0 && !asked && r != -ENOMEM) {
            /* A unit that Also= names may be absent. */
            free(result->error);
            result->error = NULL;
            continue;
        }
        if (r < 0)
            return r;
        result->has_install = result->has_install || install_unit_has_rules(&u) || u.also ||
                              u.default_instance;
        r = work(o, &u, result);
        if (r >= 0)
            r = strv_extend(&queue, u.also, true);
        install_unit_done(&u);
        if (r < 0)
            return r;
    }
    return 0;
}

static int enable_one(const struct install_options *o, const struct install_unit *u,
                      struct install_result *result)
{
    int r = link_itself(o, u, result);

    if (r >= 0)
        r = link_aliases(o, u, result);
    if (r >= 0)
        r = link_wanted(o, u, u->wanted_by, ".wants", result);
    if (r >= 0)
        r = link_wanted(o, u, u->required_by, ".requires", result);
    if (r >= 0)
        r = link_wanted(o, u, u->upheld_by, ".upholds", result);
    return r;
}

int install_enable(const struct install_options *o, char *const *names,
                   struct install_result *result)
{
    return for_each_unit(o, names, enable_one, result);
}

/* Removing. */

static int remove_path(const struct install_options *o, const char *path,
                       struct install_result *result)
{
    if (!o->dry_run && unlink(path) < 0)
        return errno == ENOENT
                   ? 0
                   : fail(result, -errno, "Cannot remove %s: %s", path, strerror(errno));
    return add_change(result, INSTALL_UNLINK, path, NULL);
}

/* The name, or the template that it is an instance of, is one of the set. */
static bool in_set(char *const *set, const char *name)
{
    auto_free char *template = NULL;

    if (strv_contains(set, name))
        return true;
    return unit_name_is_valid(name, UNIT_NAME_INSTANCE) &&
           unit_name_template(name, &template) >= 0 && strv_contains(set, template);
}

static char **sorted_entries(const char *folder)
{
    auto_strv char **names = new0(char *, 2);
    DIR *d = opendir(folder);
    int r = names ? 0 : -ENOMEM;

    for (struct dirent *de; d && r >= 0 && (de = readdir(d));)
        if (*de->d_name != '.')
            r = strv_add(&names, de->d_name);
    if (d)
        closedir(d);
    if (r < 0)
        return NULL;
    strv_sort(names);
    return take_ptr(names);
}

/* Removes links in the folder that are named as, or point to, one of the set. Names of aliases that
 * go join the set: *grown. */
static int remove_links_in(const struct install_options *o, const char *folder, bool top,
                           char ***set, bool *grown, struct install_result *result)
{
    auto_strv char **entries = sorted_entries(folder);

    if (!entries)
        return -ENOMEM;
    STRV_FOREACH (e, entries) {
        auto_free char *path = path_join(folder, *e, NULL), *target = NULL;

        if (!path)
            return -ENOMEM;
        if (!unit_name_is_valid(*e, UNIT_NAME_ANY) || readlink_alloc(path, &target) < 0 ||
            streq(target, "/dev/null"))
            continue;
        bool named = in_set(*set, *e);
        if (!named && !in_set(*set, path_basename(target)))
            continue;
        int r = remove_path(o, path, result);
        if (r >= 0 && top && !named) {
            r = strv_add(set, *e);
            *grown = true;
        }
        if (r < 0)
            return r;
    }
    if (!top && !o->dry_run)
        rmdir(folder); /* only if it is empty */
    return 0;
}

static int remove_links(const struct install_options *o, char ***set, struct install_result *result)
{
    const char *config = install_config_folder(o);
    bool grown;
    int r;

    if (!config)
        return 0;
    do {
        auto_strv char **entries = sorted_entries(config);

        if (!entries)
            return -ENOMEM;
        grown = false;
        r = 0;
        STRV_FOREACH (e, entries) {
            auto_free char *folder = is_links_folder(*e) ? path_join(config, *e, NULL) : NULL;

            if (r >= 0 && folder)
                r = remove_links_in(o, folder, false, set, &grown, result);
        }
        if (r >= 0)
            r = remove_links_in(o, config, true, set, &grown, result);
        /* Nothing is gone in a dry run, so that a second turn would tell it all again. */
    } while (r >= 0 && grown && !o->dry_run);
    return r;
}

static int collect_names(const struct install_options *o, char *const *names, char ***set,
                         struct install_result *result)
{
    auto_strv char **queue = strv_copy(names);

    if (!queue)
        return -ENOMEM;
    for (size_t i = 0; queue[i]; i++) {
        const char *name = path_is_absolute(queue[i]) ? path_basename(queue[i]) : queue[i];
        struct install_unit u;
        int r = install_unit_read(o->loader, name, &u);

        if (r < 0 && i < strv_length(names))
            return no_such_unit(name, r, result);
        if (r == -ENOMEM)
            return r;
        if (r < 0)
            continue;
        result->has_install = result->has_install || install_unit_has_rules(&u) || u.also;
        if (strv_add(set, u.name) < 0 || strv_extend(&queue, u.also, true) < 0)
            r = -ENOMEM;
        install_unit_done(&u);
        if (r < 0)
            return r;
    }
    return 0;
}

int install_disable(const struct install_options *o, char *const *names,
                    struct install_result *result)
{
    auto_strv char **set = NULL;
    int r = collect_names(o, names, &set, result);

    return r < 0 ? r : remove_links(o, &set, result);
}

int install_disable_alone(const struct install_options *o, const char *name,
                          struct install_result *result)
{
    auto_strv char **set = strv_new(name, NULL);
    struct install_unit u;
    int r = set ? install_unit_read(o->loader, name, &u) : -ENOMEM;

    if (r < 0)
        return no_such_unit(name, r, result);
    install_unit_done(&u);
    return remove_links(o, &set, result);
}

int install_reenable(const struct install_options *o, char *const *names,
                     struct install_result *result)
{
    auto_strv char **set = NULL, **plain = NULL;

    /* A linked unit loses its link with the rest: it is enabled again by its path. */
    STRV_FOREACH (n, names) {
        struct install_unit u;
        int r = path_is_absolute(*n) ? -ENOENT : install_unit_read(o->loader, *n, &u);

        if (r < 0) {
            r = strv_add(&plain, *n);
        } else {
            r = strv_add(&plain, u.link ? without_root(unit_loader_paths(o->loader), u.path) : *n);
            install_unit_done(&u);
        }
        if (r < 0)
            return r;
    }
    STRV_FOREACH (n, names)
        if (strv_add(&set, path_is_absolute(*n) ? path_basename(*n) : *n) < 0)
            return -ENOMEM;
    int r = remove_links(o, &set, result);
    return r < 0 ? r : install_enable(o, plain, result);
}

/* Masking. */

int install_mask(const struct install_options *o, char *const *names, struct install_result *result)
{
    STRV_FOREACH (n, names) {
        auto_free char *path = path_join(install_config_folder(o), *n, NULL);
        struct unit_file f;

        if (!path)
            return -ENOMEM;
        if (!unit_name_is_valid(*n, UNIT_NAME_ANY))
            return no_such_unit(*n, -EINVAL, result);
        int r = unit_loader_find(o->loader, *n, &f);
        if (r == 0)
            r = add_change(result, INSTALL_NO_SUCH_UNIT, *n, NULL);
        if (r >= 0)
            r = make_link(o, "/dev/null", path, result);
        if (r < 0)
            return r;
    }
    return 0;
}

static bool is_mask(const char *path)
{
    auto_free char *target = NULL;
    struct stat st;

    if (readlink_alloc(path, &target) >= 0)
        return streq(target, "/dev/null");
    return lstat(path, &st) >= 0 && S_ISREG(st.st_mode) && st.st_size == 0;
}

int install_unmask(const struct install_options *o, char *const *names,
                   struct install_result *result)
{
    STRV_FOREACH (n, names) {
        auto_free char *path = path_join(install_config_folder(o), *n, NULL);

        if (!path)
            return -ENOMEM;
        if (!unit_name_is_valid(*n, UNIT_NAME_ANY))
            return no_such_unit(*n, -EINVAL, result);
        struct unit_file f;
        int r = 0;
        if (is_mask(path))
            r = remove_path(o, path, result);
        else if (unit_loader_find(o->loader, *n, &f) == 0)
            r = add_change(result, INSTALL_NO_SUCH_UNIT, *n, NULL);
        if (r < 0)
            return r;
    }
    return 0;
}

int install_link(const struct install_options *o, char *const *paths, struct install_result *result)
{
    STRV_FOREACH (p, paths) {
        const struct unit_paths *search = unit_loader_paths(o->loader);
        const char *name = path_basename(*p);
        auto_free char *path = path_join(install_config_folder(o), name, NULL);
        auto_free char *file = isempty(search->root) ? strdup(*p)
                                                     : path_join(search->root, *p, NULL);

        if (!path || !file)
            return -ENOMEM;
        if (!path_is_absolute(*p))
            return fail(result, -EINVAL, "%s is not an absolute path", *p);
        if (!unit_name_is_valid(name, UNIT_NAME_ANY))
            return no_such_unit(name, -EINVAL, result);
        if (access(file, F_OK) < 0)
            return fail(result, -errno, "Unit %s does not exist", *p);
        if (search_folder(search, file))
            continue; /* known already */
        int r = make_link(o, *p, path, result);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Reverting. */

static int remove_dropins(const struct install_options *o, const char *folder,
                          struct install_result *result)
{
    auto_strv char **entries = sorted_entries(folder);

    if (!entries)
        return -ENOMEM;
    if (access(folder, F_OK) < 0)
        return 0;
    STRV_FOREACH (e, entries) {
        auto_free char *path = path_join(folder, *e, NULL);
        int r = path ? remove_path(o, path, result) : -ENOMEM;

        if (r < 0)
            return r;
    }
    if (!o->dry_run && rmdir(folder) < 0)
        return fail(result, -errno, "Cannot remove %s: %s", folder, strerror(errno));
    return add_change(result, INSTALL_UNLINK, folder, NULL);
}

static bool has_vendor_file(const struct unit_paths *paths, const char *name)
{
    STRV_FOREACH (s, paths->search) {
        auto_free char *path = path_join(*s, name, NULL);
        const char *folder = without_root(paths, *s);

        if (path && (startswith(folder, "/usr/") || startswith(folder, "/lib/")) &&
            access(path, F_OK) >= 0)
            return true;
    }
    return false;
}

int install_revert(const struct install_options *o, char *const *names,
                   struct install_result *result)
{
    const struct unit_paths *paths = unit_loader_paths(o->loader);
    const char *const folders[] = { paths->persistent_config, paths->runtime_config,
                                    paths->persistent_control, paths->runtime_control };

    STRV_FOREACH (n, names) {
        if (!unit_name_is_valid(*n, UNIT_NAME_ANY))
            return no_such_unit(*n, -EINVAL, result);
        bool vendor = has_vendor_file(paths, *n);
        for (size_t i = 0; i < ELEMENTSOF(folders); i++) {
            auto_free char *path = NULL, *dropins = NULL, *dropin_name = format("%s.d", *n);

            if (!folders[i])
                continue;
            path = path_join(folders[i], *n, NULL);
            dropins = dropin_name ? path_join(folders[i], dropin_name, NULL) : NULL;
            int r = path && dropins ? 0 : -ENOMEM;
            if (r >= 0 && (is_mask(path) || (vendor && access(path, F_OK) >= 0)))
                r = remove_path(o, path, result);
            if (r >= 0)
                r = remove_dropins(o, dropins, result);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* Dependencies and the default target. */

int install_add_dependency(const struct install_options *o, char *const *names, const char *target,
                           const char *dependency, struct install_result *result)
{
    auto_strv char **targets = strv_new(target, NULL);
    auto_free char *suffix = format(".%s", dependency);
    struct unit_file f;

    if (!targets || !suffix)
        return -ENOMEM;
    int r = unit_loader_find(o->loader, target, &f);
    if (r <= 0)
        return r < 0 ? r : no_such_unit(target, -ENOENT, result);
    if (f.masked)
        return fail(result, -ERFKILL, "Unit %s is masked", target);
    STRV_FOREACH (n, names) {
        struct install_unit u;

        r = read_unit(o, *n, &u, result);
        if (r < 0)
            return r;
        r = link_wanted(o, &u, targets, suffix, result);
        install_unit_done(&u);
        if (r < 0)
            return r;
    }
    return 0;
}

int install_set_default(const struct install_options *o, const char *target,
                        struct install_result *result)
{
    struct install_options forced = *o;
    auto_free char *path = path_join(install_config_folder(o), "default.target", NULL);
    struct install_unit u;
    struct unit_file file;

    forced.force = true;
    if (!path)
        return -ENOMEM;
    if (unit_name_type(target) != UNIT_TARGET || streq(target, "default.target"))
        return fail(result, -EINVAL, "\"%s\" is not a target that default.target can stand for",
                    target);
    /* One of our own: the link says where systemd has it, and is an alias all the same. */
    const struct builtin_unit *b = builtin_unit_find(target, false);
    if (b && b->text && unit_loader_find(o->loader, target, &file) > 0 && !file.folder) {
        auto_free char *where = path_join("/usr/lib/systemd/system", target, NULL);

        return where ? make_link(&forced, where, path, result) : -ENOMEM;
    }
    int r = read_unit(o, target, &u, result);
    if (r < 0)
        return r;
    r = make_link(&forced, without_root(unit_loader_paths(o->loader), u.path), path, result);
    install_unit_done(&u);
    return r;
}

int install_get_default(struct unit_loader *l, char **ret)
{
    struct unit_file f;
    int r = unit_loader_resolve(l, "default.target", ret, &f);

    return r < 0 ? r : r == 0 ? -ENOENT : 0;
}
