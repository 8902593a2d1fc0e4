#include "unit/load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "base/strv.h"
#include "unit/builtin.h"
#include "unit/derive.h"
#include "unit/directive.h"
#include "unit/file.h"
#include "unit/index.h"
#include "unit/name.h"
#include "unit/specifier.h"

#define UNIT_FILE_SIZE_MAX (16u << 20)

struct unit_loader {
    struct unit_paths paths;
    struct unit_index index;
    struct unit_presets *presets;
    char *root, *runtime_dir;
    char **more_drop_ins;
    bool user, builtins, booted;
};

int unit_loader_new(const struct unit_loader_options *options, struct unit_paths *paths,
                    struct unit_loader **ret)
{
    struct unit_loader *l = new0(struct unit_loader, 1);
    int r = l ? 0 : -ENOMEM;

    if (!l) {
        unit_paths_done(paths);
        return r;
    }
    l->paths = *paths;
    *paths = (struct unit_paths){};
    l->user = options->user;
    l->builtins = !options->no_builtins;
    l->booted = options->booted;
    l->presets = unit_presets_ref(options->presets);
    if (!l->presets) {
        l->presets = unit_presets_new(options->user);
        r = l->presets ? 0 : -ENOMEM;
    }
    if (r >= 0 && options->root && !(l->root = strdup(options->root)))
        r = -ENOMEM;
    if (r >= 0 && options->runtime_dir && !(l->runtime_dir = strdup(options->runtime_dir)))
        r = -ENOMEM;
    if (r >= 0)
        r = index_build(&l->paths, l->builtins, &l->index);
    if (r < 0) {
        unit_loader_free(l);
        return r;
    }
    *ret = l;
    return 0;
}

struct unit_loader *unit_loader_free(struct unit_loader *l)
{
    if (!l)
        return NULL;
    index_done(&l->index);
    unit_paths_done(&l->paths);
    unit_presets_unref(l->presets);
    free(l->root);
    free(l->runtime_dir);
    strv_free(l->more_drop_ins);
    free(l);
    return NULL;
}

const struct unit_paths *unit_loader_paths(const struct unit_loader *l)
{
    return &l->paths;
}

void unit_loader_set_presets(struct unit_loader *l, struct unit_presets *presets)
{
    unit_presets_ref(presets);
    unit_presets_unref(l->presets);
    l->presets = presets;
}

int unit_loader_add_drop_in(struct unit_loader *l, const char *path)
{
    return strv_add(&l->more_drop_ins, path);
}

int unit_loader_refresh(struct unit_loader *l)
{
    return index_is_stale(&l->paths, &l->index) ? unit_loader_reread(l) : 0;
}

int unit_loader_reread(struct unit_loader *l)
{
    struct unit_index fresh;
    int r = index_build(&l->paths, l->builtins, &fresh);

    if (r < 0)
        return r;
    index_done(&l->index);
    l->index = fresh;
    return 1;
}

/* One file's lines into the config. */

struct reading {
    struct unit_config *config;
    struct specifier_context specifiers;
    unsigned file;
    bool ignored_section;
};

static int unknown_section(struct reading *x, unsigned line, const char *section)
{
    struct unit_config *c = x->config;
    auto_free char *remedy = NULL;
    const char *type = unit_type_to_string(c->type);

    x->ignored_section = true;
    if (startswith(section, "X-") && !streq(section, "X-Reeve"))
        return 0;
    for (unsigned i = 0; i < UNIT_TYPE_MAX; i++)
        if (i != c->type && strcasecmp(unit_type_to_string((int) i), section) == 0)
            remedy = format(
                "a .%s unit has [Unit], [Install] and its own section; put this into a .%s "
                "unit",
                type, unit_type_to_string((int) i));
    if (streq(section, "X-Reeve"))
        remedy = strdup("it is for .service units");
    if (!remedy && strcasecmp(section, "unit") == 0)
        remedy = strdup("write [Unit]");
    else if (!remedy && strcasecmp(section, "install") == 0)
        remedy = strdup("write [Install]");
    else if (!remedy && strcasecmp(section, type) == 0)
        remedy = format("write [%c%s]", type[0] - 'a' + 'A', type + 1);
    unit_config_message(c, LOG_WARNING, unit_config_file(c, x->file), line, section, NULL, remedy,
                        "unknown section [%s]; all in it is ignored", section);
    return 0;
}

/* Where else the name is known, or what it may have been meant to be. */
static char *directive_remedy(const struct unit_config *c, const char *section, const char *name)
{
    static const char *const others[] = { "Unit",      "Install", "Service", "Socket",
                                          "Mount",     "Swap",    "Timer",   "Path",
                                          "Automount", "Slice",   "Scope",   "X-Reeve" };
    const struct directive *near[1];

    for (size_t i = 0; i < ELEMENTSOF(others); i++)
        if (!streq(others[i], section) &&
            directive_find((enum unit_type) c->type, others[i], name, NULL))
            return format("it belongs in [%s]", others[i]);
    if (directive_nearest((enum unit_type) c->type, section, name, near, 1) > 0)
        return format("did you mean %s=?", near[0]->name);
    if (directive_nearest((enum unit_type) c->type, NULL, name, near, 1) > 0)
        return format("did you mean %s= in [%s]?", near[0]->name,
                      directive_section(near[0], (enum unit_type) c->type));
    for (int type = 0; type < UNIT_TYPE_MAX; type++)
        for (size_t i = 2; i < ELEMENTSOF(others); i++)
            if (directive_find((enum unit_type) type, others[i], name, NULL))
                return format("it belongs in [%s] of a .%s unit", others[i],
                              unit_type_to_string(type));
    return NULL;
}

static int unknown_directive(struct reading *x, unsigned line, const char *section,
                             const char *name)
{
    struct unit_config *c = x->config;

    if (startswith(name, "X-"))
        return 0;
    auto_free char *remedy = directive_remedy(c, section, name);
    unit_config_message(c, LOG_WARNING, unit_config_file(c, x->file), line, section, name, remedy,
                        "unknown setting %s= in section [%s], ignored", name, section);
    return 0;
}

static int read_assignment(struct reading *x, unsigned line, const char *section, const char *name,
                           const char *value)
{
    struct unit_config *c = x->config;
    const struct directive *old;

    if (x->ignored_section)
        return 0;
    if (!*section) {
        unit_config_message(c, LOG_WARNING, unit_config_file(c, x->file), line, NULL, name,
                            "put it below a section header as [Unit] or [Service]",
                            "the setting is outside of any section, ignored");
        return 0;
    }
    const struct directive *d = directive_find((enum unit_type) c->type, section, name, &old);
    if (!d)
        return unknown_directive(x, line, section, name);
    /* [Install] says nothing to a manager that runs the unit. */
    return directive_assign(c, d, value, &x->specifiers, x->file, line);
}

static int read_line(void *userdata, enum file_line kind, unsigned line, const char *section,
                     const char *name, const char *value)
{
    struct reading *x = userdata;
    struct unit_config *c = x->config;

    switch (kind) {
    case FILE_SECTION:
        x->ignored_section = false;
        if (!section_known((enum unit_type) c->type, section))
            return unknown_section(x, line, section);
        return 0;
    case FILE_ASSIGNMENT:
        return read_assignment(x, line, section, name, value);
    case FILE_FAULT:
        if (x->ignored_section)
            return 0;
        unit_config_message(c, LOG_WARNING, unit_config_file(c, x->file), line,
                            *section ? section : NULL, NULL, NULL, "%s, ignored%s%s", value,
                            *name ? ": " : "", name);
        return 0;
    }
    assert_unreachable();
}

static int set_error(struct unit_config *c, enum load_state state, int error, char *text)
{
    if (!text)
        return -ENOMEM;
    c->load_state = (unsigned char) state;
    c->load_errno = error;
    free(c->load_error);
    c->load_error = text;
    return 0;
}

/* What makes the unit unusable becomes its load state; only -ENOMEM is an error. */
static int judge_parse(struct unit_config *c, const char *path, int r)
{
    if (r >= 0 || r == -ENOMEM)
        return r < 0 ? r : 0;
    if (r == -ENOEXEC)
        return set_error(c, LOAD_BAD_SETTING, -ENOEXEC,
                         format("Unit %s has a bad unit file setting.", c->name));
    unit_config_message(c, LOG_ERR, path, 0, NULL, NULL, NULL, "the file cannot be read: %s",
                        strerror(-r));
    return set_error(c, LOAD_ERROR, r,
                     format("Unit %s failed to load properly: %s", c->name, strerror(-r)));
}

static struct specifier_context specifiers_for(const struct unit_loader *l,
                                               const struct unit_config *c)
{
    return (struct specifier_context){ .name = c->name,
                                       .fragment_path = c->fragment_path,
                                       .root = l->root,
                                       .runtime_dir = l->runtime_dir,
                                       .user = l->user };
}

static int read_text(struct unit_loader *l, struct unit_config *c, unsigned file, char *text,
                     size_t size)
{
    struct reading x = { .config = c, .specifiers = specifiers_for(l, c), .file = file };

    return judge_parse(c, unit_config_file(c, file), file_parse(text, size, read_line, &x));
}

/* Reads a file at most UNIT_FILE_SIZE_MAX long. *ret_empty: nothing in it, which masks. */
static int read_file(const char *path, char **ret, size_t *ret_size, usec_t *ret_mtime)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;

    if (fd < 0)
        return -errno;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    if (!S_ISREG(st.st_mode)) {
        /* /dev/null reads as nothing */
        *ret = strdup("");
        *ret_size = 0;
        *ret_mtime = 0;
        return *ret ? 0 : -ENOMEM;
    }
    *ret_mtime = timespec_usec(&st.st_mtim);
    return fd_read_whole(fd, UNIT_FILE_SIZE_MAX, ret, ret_size);
}

static int set_masked(struct unit_config *c, const char *path)
{
    c->masked_path = strdup(path);
    if (!c->masked_path)
        return -ENOMEM;
    return set_error(c, LOAD_MASKED, -ERFKILL, format("Unit %s is masked.", c->name));
}

static int read_fragment(struct unit_loader *l, struct unit_config *c, const char *path)
{
    auto_free char *text = NULL;
    size_t size;
    int r = read_file(path, &text, &size, &c->fragment_mtime);

    if (r == -ENOMEM)
        return r;
    c->fragment_path = strdup(path);
    if (!c->fragment_path)
        return -ENOMEM;
    if (r < 0)
        return judge_parse(c, path, r);
    if (size == 0)
        return set_masked(c, path);
    c->load_state = LOAD_LOADED;
    return read_text(l, c, 0, text, size);
}

static int read_builtin(struct unit_loader *l, struct unit_config *c, const struct builtin_unit *b)
{
    auto_free char *text = strdup(b->text);

    if (!text)
        return -ENOMEM;
    c->builtin = true;
    c->load_state = LOAD_LOADED;
    return read_text(l, c, 0, text, strlen(text));
}

/* Drop-ins. */

/* The names whose folders count for the unit, the most specific first: itself, its template, and
 * foo-bar-.service, foo-.service for foo-bar-baz.service (systemd.unit(5)). */
static int folder_names(const char *name, char ***ret)
{
    auto_strv char **names = NULL;
    auto_free char *template = NULL, *prefix = NULL;
    int r = strv_add(&names, name);

    if (r >= 0 && unit_name_is_valid(name, UNIT_NAME_INSTANCE)) {
        r = unit_name_template(name, &template);
        if (r >= 0)
            r = strv_add(&names, template);
    }
    if (r >= 0)
        r = unit_name_prefix(name, &prefix);
    if (r < 0)
        return r;
    const char *suffix = strrchr(name, '.');
    bool at = strchr(name, '@');
    for (char *dash; (dash = strrchr(prefix, '-'));) {
        /* Cut behind the last dash that does not end the name already. */
        if (dash[1] == 0) {
            *dash = 0;
            continue;
        }
        dash[1] = 0;
        if (dash == prefix)
            break;
        r = strv_addf(&names, "%s%s%s", prefix, at ? "@" : "", suffix);
        if (r < 0)
            return r;
    }
    *ret = take_ptr(names);
    return 0;
}

/* The folders of these names, by search folder first. Most units have none: then nothing is made.
 */
static int add_folders(struct unit_loader *l, char *const *names, const char *suffix, char ***found)
{
    size_t n = strv_length(names);
    auto_free char *const **lists = new0(char *const *, n);
    bool any = false;

    if (!lists)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        char key[2 * NAME_MAX];

        if ((size_t) snprintf(key, sizeof key, "%s%s", names[i], suffix) < sizeof key)
            lists[i] = index_folders(&l->index, key);
        any = any || lists[i];
    }
    for (char **dir = l->paths.search; any && dir && *dir; dir++)
        for (size_t i = 0; i < n; i++)
            STRV_FOREACH (p, lists[i]) {
                const char *rest = startswith(*p, *dir);

                if (rest && *rest == '/' && !strchr(rest + 1, '/') && strv_add(found, *p) < 0)
                    return -ENOMEM;
            }
    return 0;
}

/* Folders NAME+suffix for all names of the unit, the most important first: for each name, search
 * folders in order, and within one of those the more specific name first; then those of the type.
 */
static int find_folders(struct unit_loader *l, const struct unit_config *c, const char *suffix,
                        char ***ret)
{
    auto_strv char **all = strv_new(c->name, NULL), **found = NULL;
    int r = all ? strv_extend(&all, c->names, true) : -ENOMEM;

    if (r < 0)
        return r;
    STRV_FOREACH (name, all) {
        auto_strv char **names = NULL;

        r = folder_names(*name, &names);
        if (r >= 0)
            r = add_folders(l, names, suffix, &found);
        if (r < 0)
            return r;
    }
    auto_free char *of_type = format("%s%s", unit_type_to_string(c->type), suffix);
    if (!of_type)
        return -ENOMEM;
    r = strv_extend(&found, index_folders(&l->index, of_type), true);
    if (r < 0)
        return r;
    strv_unique(found);
    *ret = take_ptr(found);
    return 0;
}

static int compare_basenames(const void *a, const void *b)
{
    return strcmp(path_basename(*(char *const *) a), path_basename(*(char *const *) b));
}

/* Adds the entries of a folder whose names are not there yet. `conf`: only *.conf. */
static int add_entries(const char *folder, bool conf, char ***files)
{
    DIR *d = opendir(folder);
    int r = 0;

    if (!d)
        return 0;
    for (struct dirent *de; r >= 0 && (de = readdir(d));) {
        bool known = false;

        if (*de->d_name == '.' || (conf && !endswith(de->d_name, ".conf")))
            continue;
        STRV_FOREACH (f, *files)
            known = known || streq(path_basename(*f), de->d_name);
        if (!known)
            r = strv_addf(files, "%s/%s", folder, de->d_name);
    }
    closedir(d);
    return r;
}

/* All files in those folders in the order in which they count: by name. */
static int find_files(struct unit_loader *l, const struct unit_config *c, const char *suffix,
                      char ***ret)
{
    auto_strv char **folders = NULL, **files = NULL;
    int r = find_folders(l, c, suffix, &folders);

    if (r < 0)
        return r;
    STRV_FOREACH (f, folders) {
        r = add_entries(*f, streq(suffix, ".d"), &files);
        if (r < 0)
            return r;
    }
    if (files)
        qsort(files, strv_length(files), sizeof *files, compare_basenames);
    *ret = take_ptr(files);
    return 0;
}

static int read_dropins(struct unit_loader *l, struct unit_config *c)
{
    int r = find_files(l, c, ".d", &c->dropin_paths);

    if (r >= 0)
        r = strv_extend(&c->dropin_paths, l->more_drop_ins, false);
    for (unsigned i = 0; r >= 0 && c->dropin_paths && c->dropin_paths[i]; i++) {
        auto_free char *text = NULL;
        usec_t mtime = 0;
        size_t size;

        r = read_file(c->dropin_paths[i], &text, &size, &mtime);
        if (r == -ENOMEM)
            return r;
        c->dropin_mtime = MAX(c->dropin_mtime, mtime);
        if (r < 0) {
            unit_config_message(c, LOG_WARNING, c->dropin_paths[i], 0, NULL, NULL, NULL,
                                "the drop-in cannot be read: %s", strerror(-r));
            r = 0;
        } else {
            r = read_text(l, c, i + 1, text, size);
        }
    }
    return r;
}

/* Links in NAME.wants/ and the like. */
static int read_links(struct unit_loader *l, struct unit_config *c, const char *suffix,
                      const char *directive)
{
    const struct directive *d = directive_find(UNIT_TARGET, "Unit", directive, NULL);
    auto_strv char **links = NULL;
    int r = find_files(l, c, suffix, &links);

    STRV_FOREACH (link, links) {
        const char *name = path_basename(*link);
        auto_free char *target = NULL;

        if (r < 0)
            return r;
        if (!unit_name_is_valid(name, UNIT_NAME_ANY) ||
            (readlink_alloc(*link, &target) >= 0 && streq(target, "/dev/null")))
            continue;
        r = strv_add(&c->dependency_paths, *link);
        if (r >= 0)
            r = directive_assign(
                c, d, name, NULL,
                (unsigned) (strv_length(c->dropin_paths) + strv_length(c->dependency_paths)), 0);
    }
    return r;
}

/* Whether the unit belongs to a boot that somebody else has done. */
static bool is_booted_already(const struct unit_loader *l, const char *name)
{
    static const char *const targets[] = {
        "sysinit.target", "basic.target",  "local-fs.target", "swap.target",  "local-fs-pre.target",
        "sockets.target", "timers.target", "paths.target",    "slices.target"
    };

    for (size_t i = 0; l->booted && i < ELEMENTSOF(targets); i++)
        if (streq(name, targets[i]))
            return true;
    return false;
}

/* Drop-ins, links, and what follows from all. */
static int load_rest(struct unit_loader *l, struct unit_config *c)
{
    if ((c->load_state != LOAD_LOADED && c->load_state != LOAD_STUB) ||
        is_booted_already(l, c->name))
        return 0;
    int r = read_dropins(l, c);

    if (r >= 0)
        r = read_links(l, c, ".wants", "Wants");
    if (r >= 0)
        r = read_links(l, c, ".requires", "Requires");
    if (r >= 0)
        r = read_links(l, c, ".upholds", "Upholds");
    return r;
}

static int new_config(struct unit_loader *l, const char *name, struct unit_config **ret)
{
    int r = unit_config_new(name, l->presets, ret);

    if (r >= 0)
        (*ret)->user = l->user;
    return r;
}

/* The names that lead to the entry, for a unit of that instance: c->name and c->names. */
static int set_names(struct unit_config *c, const struct index_entry *e, const char *asked)
{
    auto_free char *instance = NULL;
    int r = unit_name_instance(asked, &instance);

    STRV_FOREACH (alias, e->aliases) {
        auto_free char *full = NULL;

        if (r < 0)
            return r;
        if (unit_name_is_valid(*alias, UNIT_NAME_TEMPLATE))
            r = instance ? unit_name_with_instance(*alias, instance, &full) : 0;
        if (r >= 0 && !streq(full ? full : *alias, c->name) &&
            (full || !unit_name_is_valid(*alias, UNIT_NAME_TEMPLATE)) &&
            !strv_contains(c->names, full ? full : *alias))
            r = strv_add(&c->names, full ? full : *alias);
    }
    return r;
}

/* The unit's real name: that of the entry, with the instance that was asked for. */
static int real_name(const struct index_entry *e, const char *asked, char **ret)
{
    auto_free char *instance = NULL;
    int r = unit_name_instance(asked, &instance);

    if (r < 0)
        return r;
    const char *end = e->alias_of ? e->alias_of : e->name;
    if (instance && unit_name_is_valid(end, UNIT_NAME_TEMPLATE))
        return unit_name_with_instance(end, instance, ret);
    *ret = strdup(end);
    return *ret ? 0 : -ENOMEM;
}

static int load_entry(struct unit_loader *l, struct unit_config *c, const struct index_entry *e)
{
    if (!e->folder || is_booted_already(l, e->name)) {
        const struct builtin_unit *b = builtin_unit_find(e->name, l->user);

        return b && b->text ? read_builtin(l, c, b) : 0;
    }
    auto_free char *path = path_join(e->folder, e->name, NULL);
    if (!path)
        return -ENOMEM;
    if (e->masked) {
        c->fragment_path = take_ptr(path);
        return set_masked(c, c->fragment_path);
    }
    c->transient = l->paths.transient && streq(e->folder, l->paths.transient);
    return read_fragment(l, c, path);
}

/* No file anywhere: slices and devices and mounts exist all the same; others may have drop-ins,
 * which make no unit of them. */
static int load_without_fragment(struct unit_config *c)
{
    if (c->type == UNIT_SLICE || c->type == UNIT_DEVICE || c->type == UNIT_SCOPE) {
        c->load_state = LOAD_LOADED;
        return 0;
    }
    return set_error(c, LOAD_NOT_FOUND, -ENOENT, format("Unit %s not found.", c->name));
}

int unit_load(struct unit_loader *l, const char *name, struct unit_config **ret)
{
    auto_free char *real = NULL;
    struct unit_config *c = NULL;

    if (!unit_name_is_valid(name, UNIT_NAME_PLAIN | UNIT_NAME_INSTANCE))
        return -EINVAL;
    const struct index_entry *e = index_find(&l->index, name, NULL);
    int r = e ? real_name(e, name, &real) : 0;

    /* An alias to an instance: the file is that instance's own or its template's. */
    if (r >= 0 && e && e->alias_of) {
        const struct index_entry *end = index_find(&l->index, real, NULL);

        e = end ? end : e;
    }
    if (r >= 0)
        r = new_config(l, real ? real : name, &c);
    if (r < 0)
        return r;
    if (!streq(c->name, name))
        r = strv_add(&c->names, name);
    if (r >= 0 && e)
        r = set_names(c, e, name);
    if (r >= 0)
        r = e ? load_entry(l, c, e) : load_without_fragment(c);
    if (r >= 0)
        r = load_rest(l, c);
    if (r >= 0)
        r = unit_config_finish(c);
    if (r < 0) {
        unit_config_free(c);
        return r;
    }
    *ret = c;
    return 0;
}

int unit_config_finish(struct unit_config *c)
{
    if (c->load_state != LOAD_LOADED && c->load_state != LOAD_BAD_SETTING)
        return unit_derive(c);
    /* What was grown by halves is cut to size: the manager keeps thousands of these. */
    struct provenance *exact = realloc(c->provenance, MAX(c->n_provenance, 1) * sizeof *exact);
    if (exact) {
        c->provenance = exact;
        c->allocated_provenance = MAX(c->n_provenance, 1);
    }
    int r = unit_derive(c);
    return r < 0 || c->load_state != LOAD_LOADED ? r : unit_verify(c);
}

int unit_load_file(struct unit_loader *l, const char *path, const char *name, bool alone,
                   struct unit_config **ret)
{
    struct unit_config *c;
    int r = new_config(l, name ? name : path_basename(path), &c);

    if (r < 0)
        return r;
    r = read_fragment(l, c, path);
    if (r >= 0 && !alone)
        r = load_rest(l, c);
    if (r >= 0)
        r = unit_config_finish(c);
    if (r < 0) {
        unit_config_free(c);
        return r;
    }
    *ret = c;
    return 0;
}

int unit_load_text(struct unit_loader *l, const char *name, const char *path, const char *text,
                   struct unit_config **ret)
{
    auto_free char *copy = strdup(text);
    struct unit_config *c;
    int r = copy ? new_config(l, name, &c) : -ENOMEM;

    if (r < 0)
        return r;
    if (path && !(c->fragment_path = strdup(path)))
        r = -ENOMEM;
    c->load_state = LOAD_LOADED;
    if (r >= 0)
        r = read_text(l, c, 0, copy, strlen(copy));
    if (r >= 0)
        r = unit_config_finish(c);
    if (r < 0) {
        unit_config_free(c);
        return r;
    }
    *ret = c;
    return 0;
}

static bool file_changed(const char *path, usec_t mtime)
{
    struct stat st;

    return stat(path, &st) < 0 || (S_ISREG(st.st_mode) && timespec_usec(&st.st_mtim) != mtime);
}

bool unit_needs_reload(struct unit_loader *l, const struct unit_config *c)
{
    auto_strv char **files = NULL;

    if (c->fragment_path && !c->transient && file_changed(c->fragment_path, c->fragment_mtime))
        return true;
    if (c->load_state == LOAD_NOT_FOUND && index_find(&l->index, c->name, NULL))
        return true;
    if (find_files(l, c, ".d", &files) < 0)
        return false;
    if (!strv_equal(files, c->dropin_paths))
        return true;
    STRV_FOREACH (f, files) {
        struct stat st;

        if (stat(*f, &st) >= 0 && S_ISREG(st.st_mode) &&
            timespec_usec(&st.st_mtim) > c->dropin_mtime)
            return true;
    }
    return false;
}

int unit_find_drop_ins(struct unit_loader *l, struct unit_config *c)
{
    char **files = NULL;
    int r = find_files(l, c, ".d", &files);

    if (r < 0)
        return r;
    strv_free(c->dropin_paths);
    c->dropin_paths = files;
    STRV_FOREACH (f, files) {
        struct stat st;

        if (stat(*f, &st) >= 0)
            c->dropin_mtime = MAX(c->dropin_mtime, timespec_usec(&st.st_mtim));
    }
    return 0;
}

static void fill_file(const struct index_entry *e, struct unit_file *ret, char buffer[static 4096])
{
    ret->name = e->name;
    ret->folder = e->folder;
    ret->alias = e->alias_of;
    ret->masked = e->masked;
    ret->path = NULL;
    if (e->masked)
        ret->path = "/dev/null";
    else if (e->folder && (size_t) snprintf(buffer, 4096, "%s/%s", e->folder, e->name) < 4096)
        ret->path = buffer;
}

bool unit_loader_next(const struct unit_loader *l, size_t *position, struct unit_file *ret)
{
    static char buffer[4096];
    struct index_entry *e = map_next(&l->index.entries, position, NULL);

    if (!e)
        return false;
    fill_file(e, ret, buffer);
    return true;
}

int unit_loader_find(const struct unit_loader *l, const char *name, struct unit_file *ret)
{
    static char buffer[4096];
    const struct index_entry *e = index_find(&l->index, name, NULL);

    if (!e)
        return 0;
    fill_file(e, ret, buffer);
    return 1;
}

int unit_loader_resolve(const struct unit_loader *l, const char *name, char **ret,
                        struct unit_file *ret_file)
{
    const struct index_entry *e = index_find(&l->index, name, NULL);
    auto_free char *real = NULL;
    static char buffer[4096];

    if (!e)
        return 0;
    int r = real_name(e, name, &real);
    if (r < 0)
        return r;
    if (e->alias_of) {
        const struct index_entry *end = index_find(&l->index, real, NULL);

        e = end ? end : e;
    }
    fill_file(e, ret_file, buffer);
    *ret = take_ptr(real);
    return 1;
}
