#include "unit/index.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "unit/builtin.h"
#include "unit/name.h"
#include "unit/paths.h"

struct index_stamp {
    dev_t device;
    ino_t inode;
    struct timespec changed;
};

/* A value of the folders map has to keep its key. */
struct folder_list {
    char *name;
    char **paths;
};

static void entry_free(struct index_entry *e)
{
    free(e->name);
    free(e->alias_of);
    strv_free(e->aliases);
    free(e);
}

void index_done(struct unit_index *x)
{
    struct index_entry *e;
    struct folder_list *f;

    MAP_FOREACH (e, &x->entries)
        entry_free(e);
    map_done(&x->entries);
    MAP_FOREACH (f, &x->folders) {
        free(f->name);
        strv_free(f->paths);
        free(f);
    }
    map_done(&x->folders);
    free(x->stamps);
    *x = (struct unit_index){};
}

static int add_entry(struct unit_index *x, const char *name, const char *folder, char *alias_of,
                     bool masked)
{
    struct index_entry *e = new0(struct index_entry, 1);
    int r = e ? 0 : -ENOMEM;

    if (e) {
        *e = (struct index_entry){
            .name = strdup(name), .folder = folder, .alias_of = alias_of, .masked = masked
        };
        r = e->name ? map_put(&x->entries, e->name, e) : -ENOMEM;
        if (r < 0)
            entry_free(e);
    } else {
        free(alias_of);
    }
    return r;
}

static int add_folder(struct unit_index *x, const char *name, const char *parent)
{
    struct folder_list *f = map_get(&x->folders, name);
    auto_free char *path = path_join(parent, name, NULL);

    if (!path)
        return -ENOMEM;
    if (!f) {
        f = new0(struct folder_list, 1);
        if (f && !(f->name = strdup(name)))
            free(take_ptr(f));
        if (!f)
            return -ENOMEM;
        int r = map_put(&x->folders, f->name, f);
        if (r < 0) {
            free(f->name);
            free(f);
            return r;
        }
    }
    return strv_push(&f->paths, take_ptr(path));
}

static bool is_unit_folder(const char *name)
{
    static const char *const suffixes[] = { ".d", ".wants", ".requires", ".upholds" };

    for (size_t i = 0; i < ELEMENTSOF(suffixes); i++)
        if (endswith(name, suffixes[i]))
            return true;
    return false;
}

/* The target of a link, as a path below `root`, without links in between being followed. */
static char *link_target(const char *folder, const char *root, const char *target)
{
    char *path = path_is_absolute(target)
                     ? isempty(root) ? strdup(target) : path_join(root, target, NULL)
                     : path_join(folder, target, NULL);

    return path ? path_simplify(path) : NULL;
}

/* Whether the target is directly in one of the search folders: by text, else by the folder's real
 * path, so that /lib/systemd/system counts where /lib is a link. */
static bool in_search_path(const struct unit_paths *paths, const char *target)
{
    auto_free char *folder = strndup(target, (size_t) (path_basename(target) - target));
    auto_free char *real = NULL;

    if (!folder || !path_simplify(folder))
        return false;
    if (strv_contains(paths->search, folder))
        return true;
    real = realpath(folder, NULL);
    if (!real)
        return false;
    STRV_FOREACH (s, paths->search) {
        auto_free char *other = realpath(*s, NULL);

        if (other && streq(other, real))
            return true;
    }
    return false;
}

/* systemd.unit(5), Aliases: type and form of the names have to agree. */
static bool alias_is_valid(const char *name, const char *target)
{
    auto_free char *source_instance = NULL, *target_instance = NULL;
    int source = unit_name_instance(name, &source_instance);
    int other = unit_name_instance(target, &target_instance);

    if (source < 0 || other < 0 || unit_name_type(name) != unit_name_type(target))
        return false;
    if (source == UNIT_NAME_PLAIN)
        return other == UNIT_NAME_PLAIN || other == UNIT_NAME_INSTANCE;
    if (source == UNIT_NAME_TEMPLATE)
        return other == UNIT_NAME_TEMPLATE;
    if (other == UNIT_NAME_INSTANCE)
        return streq(source_instance, target_instance);
    return other == UNIT_NAME_TEMPLATE || other == UNIT_NAME_PLAIN;
}

static int add_link(const struct unit_paths *paths, struct unit_index *x, int fd,
                    const char *folder, const char *name)
{
    char text[PATH_MAX];
    ssize_t n = readlinkat(fd, name, text, sizeof text - 1);

    if (n < 0)
        return 0;
    text[n] = 0;
    if (streq(text, "/dev/null"))
        return add_entry(x, name, folder, NULL, true);
    auto_free char *target = link_target(folder, paths->root, text);
    if (!target)
        return -ENOMEM;
    const char *base = path_basename(target);
    if (!in_search_path(paths, target))
        return add_entry(x, name, folder, NULL, false);
    /* foo@bar.service -> foo@.service is an instance of its own, not an alias. */
    if (!alias_is_valid(name, base))
        return 0;
    if (streq(name, base))
        return add_entry(x, name, folder, NULL, false);
    char *alias_of = strdup(base);
    return alias_of ? add_entry(x, name, folder, alias_of, false) : -ENOMEM;
}

static int entry_kind(int fd, const struct dirent *de)
{
    struct stat st;

    if (de->d_type != DT_UNKNOWN)
        return de->d_type;
    if (fstatat(fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return DT_UNKNOWN;
    return S_ISREG(st.st_mode)   ? DT_REG
           : S_ISDIR(st.st_mode) ? DT_DIR
           : S_ISLNK(st.st_mode) ? DT_LNK
                                 : DT_UNKNOWN;
}

static int add_file(const struct unit_paths *paths, struct unit_index *x, int fd,
                    const char *folder, const struct dirent *de)
{
    const char *name = de->d_name;

    if (*name == '.')
        return 0;
    int kind = entry_kind(fd, de);
    /* Folders may be links, too; what they are is seen when they are opened. */
    if ((kind == DT_DIR || kind == DT_LNK) && is_unit_folder(name))
        return add_folder(x, name, folder);
    if (!unit_name_is_valid(name, UNIT_NAME_ANY) || map_get(&x->entries, name))
        return 0;
    if (kind == DT_LNK)
        return add_link(paths, x, fd, folder, name);
    return kind == DT_REG ? add_entry(x, name, folder, NULL, false) : 0;
}

static struct index_stamp make_stamp(const struct stat *st)
{
    return (
        struct index_stamp){ .device = st->st_dev, .inode = st->st_ino, .changed = st->st_mtim };
}

static int scan_folder(const struct unit_paths *paths, struct unit_index *x, size_t which)
{
    const char *folder = paths->search[which];
    struct stat st;
    int r = 0;

    DIR *d = opendir(folder);
    if (!d)
        return 0;
    if (fstat(dirfd(d), &st) >= 0) {
        x->stamps[which] = make_stamp(&st);
        /* The same folder under two names (/lib is a link to /usr/lib) counts once. */
        for (size_t i = 0; i < which; i++)
            if (x->stamps[i].inode == st.st_ino && x->stamps[i].device == st.st_dev) {
                closedir(d);
                return 0;
            }
    }
    for (struct dirent *de; r >= 0 && (de = readdir(d));)
        r = add_file(paths, x, dirfd(d), folder, de);
    closedir(d);
    return r;
}

static int add_builtins(struct unit_index *x, bool user)
{
    for (size_t i = 0; i < n_builtin_units; i++) {
        const struct builtin_unit *b = &builtin_units[i];

        if (!(b->managers & (user ? BUILTIN_USER : BUILTIN_SYSTEM)) ||
            map_get(&x->entries, b->name))
            continue;
        char *alias_of = b->alias_of ? strdup(b->alias_of) : NULL;
        if (b->alias_of && !alias_of)
            return -ENOMEM;
        int r = add_entry(x, b->name, NULL, alias_of, false);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Follows alias_of to its end. */
static struct index_entry *follow(const struct unit_index *x, struct index_entry *e)
{
    for (int hops = 0; e && e->alias_of; hops++) {
        struct index_entry *next = map_get(&x->entries, e->alias_of);

        /* The target may be an instance whose file is its template's. */
        if (!next && unit_name_is_valid(e->alias_of, UNIT_NAME_INSTANCE))
            return e;
        if (hops > 16)
            return NULL;
        e = next;
    }
    return e;
}

static int collect_aliases(struct unit_index *x)
{
    struct index_entry *e;

    MAP_FOREACH (e, &x->entries) {
        struct index_entry *end = e->alias_of ? follow(x, e) : NULL;

        if (end && end != e && strv_add(&end->aliases, e->name) < 0)
            return -ENOMEM;
    }
    MAP_FOREACH (e, &x->entries)
        strv_sort(e->aliases);
    return 0;
}

int index_build(const struct unit_paths *paths, bool builtins, struct unit_index *ret)
{
    struct unit_index x = { .n_stamps = strv_length(paths->search) };
    int r = 0;

    x.stamps = calloc(x.n_stamps + 1, sizeof *x.stamps);
    if (!x.stamps)
        return -ENOMEM;
    for (size_t i = 0; i < x.n_stamps && r >= 0; i++)
        r = scan_folder(paths, &x, i);
    if (r >= 0 && builtins)
        r = add_builtins(&x, paths->user);
    if (r >= 0)
        r = collect_aliases(&x);
    if (r < 0) {
        index_done(&x);
        return r;
    }
    *ret = x;
    return 0;
}

bool index_is_stale(const struct unit_paths *paths, const struct unit_index *x)
{
    for (size_t i = 0; i < x->n_stamps; i++) {
        struct index_stamp now = {};
        struct stat st;

        if (stat(paths->search[i], &st) >= 0)
            now = make_stamp(&st);
        if (now.inode != x->stamps[i].inode || now.device != x->stamps[i].device ||
            now.changed.tv_sec != x->stamps[i].changed.tv_sec ||
            now.changed.tv_nsec != x->stamps[i].changed.tv_nsec)
            return true;
    }
    return false;
}

const struct index_entry *index_find(const struct unit_index *x, const char *name,
                                     bool *ret_template)
{
    struct index_entry *e = map_get(&x->entries, name);
    auto_free char *template = NULL;
    bool from_template = false;

    if (!e && unit_name_is_valid(name, UNIT_NAME_INSTANCE)) {
        if (unit_name_template(name, &template) < 0)
            return NULL;
        e = map_get(&x->entries, template);
        from_template = true;
    }
    if (ret_template)
        *ret_template = from_template;
    return e ? follow(x, e) : NULL;
}

char *const *index_folders(const struct unit_index *x, const char *name)
{
    struct folder_list *f = map_get(&x->folders, name);

    return f ? f->paths : NULL;
}
