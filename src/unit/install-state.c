/* What `is-enabled` says of a unit: which links to it there are, and where. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "unit/install-private.h"
#include "unit/load.h"
#include "unit/name.h"

const char *unit_file_state_to_string(int state)
{
    static const char *const names[] = {
#define NAME(id, text) [id] = text,
        UNIT_FILE_STATES(NAME)
#undef NAME
    };

    return state < 0 || state >= UNIT_FILE_STATE_MAX ? NULL : names[state];
}

/* What one search folder has of links to the unit. */
struct links {
    bool enabled;   /* in .wants and the like, or an alias that Alias= names */
    bool indirect;  /* as another instance of the template, or an alias of another name */
    bool same_name; /* the unit itself is a link there */
};

static bool is_template_of(const char *template, const char *name)
{
    auto_free char *t = NULL;

    return unit_name_is_valid(name, UNIT_NAME_INSTANCE) && unit_name_template(name, &t) >= 0 &&
           streq(t, template);
}

/* A link in x.wants/ and the like: the name alone counts. */
static void judge_wanted(const struct install_unit *u, const char *entry, struct links *found)
{
    if (streq(entry, u->name)) {
        found->enabled = true;
    } else if (unit_name_is_valid(u->name, UNIT_NAME_TEMPLATE) && is_template_of(u->name, entry)) {
        auto_free char *instance = NULL;

        if (u->default_instance && unit_name_instance(entry, &instance) >= 0 &&
            streq_ptr(instance, u->default_instance))
            found->enabled = true;
        else
            found->indirect = true;
    }
}

/* A link at the top: an alias, or the unit itself. */
static void judge_alias(const struct install_unit *u, const char *path, const char *entry,
                        struct links *found)
{
    auto_free char *target = NULL;

    if (!unit_name_is_valid(entry, UNIT_NAME_ANY) || readlink_alloc(path, &target) < 0)
        return;
    const char *base = path_basename(target);
    if (streq(entry, u->name)) {
        found->same_name = !streq(target, "/dev/null");
        return;
    }
    if (!streq(base, u->name))
        return;
    if (strv_contains(u->alias, entry))
        found->enabled = true;
    else
        found->indirect = true;
}

static int search_links(const struct install_unit *u, const char *folder, struct links *found)
{
    DIR *d = opendir(folder);
    int r = 0;

    if (!d)
        return 0;
    for (struct dirent *de; r >= 0 && (de = readdir(d));) {
        auto_free char *path = *de->d_name == '.' ? NULL : path_join(folder, de->d_name, NULL);
        DIR *sub = path && is_links_folder(de->d_name) ? opendir(path) : NULL;

        if (path && !sub)
            judge_alias(u, path, de->d_name, found);
        for (struct dirent *s; sub && (s = readdir(sub));)
            judge_wanted(u, s->d_name, found);
        if (sub)
            closedir(sub);
    }
    closedir(d);
    return r;
}

static bool is_folder(const char *a, const char *b)
{
    return a && b && streq(a, b);
}

/* Whether what is in the folder is gone after the next boot, links of generators included. */
static bool is_runtime(const struct unit_paths *p, const char *folder)
{
    return is_folder(folder, p->runtime_config) || is_folder(folder, p->runtime_control) ||
           is_folder(folder, p->transient) || is_folder(folder, p->generator) ||
           is_folder(folder, p->generator_early) || is_folder(folder, p->generator_late);
}

/* Looks through all folders; false if no link says anything. */
static int state_by_links(const struct unit_paths *p, const struct install_unit *u,
                          enum unit_file_state *ret)
{
    bool runtime = false, vendor = false, linked = false, linked_runtime = false, indirect = false;

    STRV_FOREACH (s, p->search) {
        struct links found = {};
        int r = search_links(u, *s, &found);

        if (r < 0)
            return r;
        bool persistent = is_folder(*s, p->persistent_config) || is_folder(*s, p->global_config);
        bool passing = is_runtime(p, *s);
        if (found.enabled && persistent) {
            *ret = UNIT_FILE_ENABLED;
            return 1;
        }
        runtime = runtime || (found.enabled && passing);
        vendor = vendor || (found.enabled && !persistent && !passing);
        indirect = indirect || (found.indirect && (persistent || passing));
        if (u->link && found.same_name) {
            linked = linked || persistent;
            linked_runtime = linked_runtime || passing;
        }
    }
    if (runtime)
        *ret = UNIT_FILE_ENABLED_RUNTIME;
    else if (vendor && unit_name_is_valid(u->name, UNIT_NAME_INSTANCE))
        *ret = UNIT_FILE_STATIC;
    else if (indirect)
        *ret = UNIT_FILE_INDIRECT;
    else if (linked)
        *ret = UNIT_FILE_LINKED;
    else if (linked_runtime)
        *ret = UNIT_FILE_LINKED_RUNTIME;
    else
        return 0;
    return 1;
}

static int state_of(const struct unit_paths *p, const struct install_unit *u,
                    enum unit_file_state *ret)
{
    if (u->masked) {
        *ret = is_folder(u->folder, p->runtime_config) ? UNIT_FILE_MASKED_RUNTIME
                                                       : UNIT_FILE_MASKED;
        return 0;
    }
    if (is_folder(u->folder, p->generator) || is_folder(u->folder, p->generator_early) ||
        is_folder(u->folder, p->generator_late)) {
        *ret = UNIT_FILE_GENERATED;
        return 0;
    }
    if (is_folder(u->folder, p->transient)) {
        *ret = UNIT_FILE_TRANSIENT;
        return 0;
    }
    int r = state_by_links(p, u, ret);
    if (r == 0)
        *ret = install_unit_has_rules(u) ? UNIT_FILE_DISABLED
               : u->also                 ? UNIT_FILE_INDIRECT
                                         : UNIT_FILE_STATIC;
    return r < 0 ? r : 0;
}

int install_state(struct unit_loader *l, const char *name, enum unit_file_state *ret)
{
    struct install_unit u;
    struct unit_file f;
    int r = install_unit_read(l, name, &u);

    if (r == -ENOENT) {
        /* Built-in units have no file, and nothing can be done to them. */
        *ret = unit_loader_find(l, name, &f) > 0 ? UNIT_FILE_STATIC : UNIT_FILE_NOT_FOUND;
        return 0;
    }
    if (r == -EINVAL || r == -ENOMEM)
        return r;
    if (r < 0) {
        *ret = UNIT_FILE_BAD;
        return 0;
    }
    if (!streq(u.name, name) && !u.masked)
        *ret = UNIT_FILE_ALIAS;
    else
        r = state_of(unit_loader_paths(l), &u, ret);
    install_unit_done(&u);
    return r;
}
