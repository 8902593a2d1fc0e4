#include "unit/paths.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "base/users.h"

/* What the XDG base directory specification and the invoking environment say. */
struct bases {
    char *home, *config, *data, *runtime;
    char **config_dirs, **data_dirs;
    char *runtime_base;
};

static void bases_done(struct bases *b)
{
    free(b->home);
    free(b->config);
    free(b->data);
    free(b->runtime);
    strv_free(b->config_dirs);
    strv_free(b->data_dirs);
    free(b->runtime_base);
}

static int home_folder(char **ret)
{
    const char *env = getenv("HOME");

    if (path_is_absolute(env)) {
        *ret = strdup(env);
        return *ret ? 0 : -ENOMEM;
    }
    struct users_lookup lookup = { .files_only = true };
    struct user u = {};
    if (user_find_uid(&lookup, getuid(), &u) < 0)
        return -ENXIO;
    *ret = take_ptr(u.home);
    user_done(&u);
    return path_is_absolute(*ret) ? 0 : -ENXIO;
}

/* An absolute folder from the environment, else the folder below the home. */
static char *xdg_home(const char *variable, const char *home, const char *below)
{
    const char *env = getenv(variable);

    return path_is_absolute(env) ? strdup(env) : path_join(home, below, NULL);
}

static char **xdg_dirs(const char *variable, const char *preset)
{
    const char *env = getenv(variable);

    return strv_split(isempty(env) ? preset : env, ":");
}

static int bases_find(const struct unit_paths_options *o, struct bases *b)
{
    const char *runtime = o->runtime_dir;

    if (o->scope == UNIT_SCOPE_USER) {
        int r = home_folder(&b->home);

        if (r < 0)
            return r;
        if (!runtime)
            runtime = getenv("XDG_RUNTIME_DIR");
        b->config = xdg_home("XDG_CONFIG_HOME", b->home, ".config");
        b->data = xdg_home("XDG_DATA_HOME", b->home, ".local/share");
        b->config_dirs = xdg_dirs("XDG_CONFIG_DIRS", "/etc/xdg");
        b->data_dirs = xdg_dirs("XDG_DATA_DIRS", "/usr/local/share:/usr/share");
        if (!b->config || !b->data || !b->config_dirs || !b->data_dirs)
            return -ENOMEM;
    }
    if (!runtime && o->scope != UNIT_SCOPE_USER)
        runtime = "/run";
    if (runtime && !(b->runtime = strdup(runtime)))
        return -ENOMEM;
    if (o->runtime_base)
        b->runtime_base = strdup(o->runtime_base);
    else if (b->runtime)
        b->runtime_base = path_join(b->runtime, "systemd", NULL);
    else
        return 0;
    return b->runtime_base ? 0 : -ENOMEM;
}

static int set_path(char **to, const char *base, const char *rest)
{
    if (!base)
        return 0;
    *to = path_join(base, rest, NULL);
    return *to ? 0 : -ENOMEM;
}

static int find_special(const struct unit_paths_options *o, const struct bases *b,
                        struct unit_paths *p)
{
    bool user = o->scope == UNIT_SCOPE_USER;
    const char *config = user ? b->config : "/etc";
    const char *kind = o->scope == UNIT_SCOPE_SYSTEM ? "system" : "user";
    auto_free char *control = format("%s.control", kind);
    auto_free char *below = format("systemd/%s", kind), *below_control = NULL;
    int r = control && below ? 0 : -ENOMEM;

    below_control = r < 0 ? NULL : format("systemd/%s", control);
    if (!below_control)
        return -ENOMEM;
    r = set_path(&p->persistent_config, config, below);
    if (r >= 0)
        r = set_path(&p->persistent_control, config, below_control);
    if (r >= 0)
        r = set_path(&p->global_config, "/etc", "systemd/user");
    if (r >= 0)
        r = set_path(&p->runtime_config, b->runtime_base, kind);
    if (r >= 0)
        r = set_path(&p->runtime_control, b->runtime_base, control);
    if (r >= 0 && o->scope != UNIT_SCOPE_GLOBAL) {
        r = set_path(&p->transient, b->runtime_base, "transient");
        if (r >= 0)
            r = set_path(&p->generator, b->runtime_base, "generator");
        if (r >= 0)
            r = set_path(&p->generator_early, b->runtime_base, "generator.early");
        if (r >= 0)
            r = set_path(&p->generator_late, b->runtime_base, "generator.late");
    }
    return r;
}

static int add(char ***search, const char *path)
{
    return path && !strv_contains(*search, path) ? strv_add(search, path) : 0;
}

static int add_below(char ***search, const char *base, const char *rest)
{
    auto_free char *path = path_join(base, rest, NULL);

    return path ? add(search, path) : -ENOMEM;
}

/* systemd.unit(5), tables 1 and 2. */
static int usual_folders(const struct unit_paths_options *o, const struct bases *b,
                         const struct unit_paths *p, char ***search)
{
    static const char *const system_folders[] = { "/usr/local/lib/systemd/system",
                                                  "/usr/lib/systemd/system",
                                                  "/lib/systemd/system" };
    static const char *const user_folders[] = { "/usr/local/share/systemd/user",
                                                "/usr/share/systemd/user",
                                                "/usr/local/lib/systemd/user",
                                                "/usr/lib/systemd/user" };
    bool user = o->scope == UNIT_SCOPE_USER;
    const char *const *vendor = o->scope == UNIT_SCOPE_SYSTEM ? system_folders : user_folders;
    size_t n_vendor = o->scope == UNIT_SCOPE_SYSTEM ? ELEMENTSOF(system_folders)
                                                    : ELEMENTSOF(user_folders);
    int r = add(search, p->persistent_control);

    if (r >= 0)
        r = add(search, p->runtime_control);
    if (r >= 0)
        r = add(search, p->transient);
    if (r >= 0)
        r = add(search, p->generator_early);
    if (r >= 0)
        r = add(search, p->persistent_config);
    if (r >= 0 && user) {
        STRV_FOREACH (d, b->config_dirs)
            if (r >= 0)
                r = add_below(search, *d, "systemd/user");
        if (r >= 0)
            r = add(search, "/etc/systemd/user");
    }
    if (r >= 0 && o->scope == UNIT_SCOPE_SYSTEM)
        r = add(search, "/etc/systemd/system.attached");
    if (r >= 0)
        r = add(search, p->runtime_config);
    if (r >= 0 && o->scope == UNIT_SCOPE_SYSTEM && !o->runtime_base)
        r = add(search, "/run/systemd/system.attached");
    if (r >= 0 && user)
        r = add(search, "/run/systemd/user");
    if (r >= 0)
        r = add(search, p->generator);
    if (r >= 0 && user) {
        r = add_below(search, b->data, "systemd/user");
        STRV_FOREACH (d, b->data_dirs)
            if (r >= 0)
                r = add_below(search, *d, "systemd/user");
    }
    for (size_t i = 0; i < n_vendor && r >= 0; i++)
        r = add(search, vendor[i]);
    return r < 0 ? r : add(search, p->generator_late);
}

static int put_root(const char *root, char **path)
{
    if (!*path || isempty(root))
        return 0;
    char *full = path_join(root, *path, NULL);
    if (!full)
        return -ENOMEM;
    free(*path);
    *path = full;
    return 0;
}

static int find_search(const struct unit_paths_options *o, const struct bases *b,
                       struct unit_paths *p)
{
    const char *env = getenv("SYSTEMD_UNIT_PATH");
    bool usual = true;
    int r = strv_extend(&p->search, o->extra, true);

    if (r >= 0 && !isempty(env)) {
        auto_strv char **folders = strv_split(env, ":");

        if (!folders)
            return -ENOMEM;
        usual = endswith(env, ":");
        r = strv_extend(&p->search, folders, true);
    }
    return r < 0 || !usual ? r : usual_folders(o, b, p, &p->search);
}

int unit_paths_new(const struct unit_paths_options *options, struct unit_paths *ret)
{
    struct unit_paths p = { .user = options->scope != UNIT_SCOPE_SYSTEM };
    struct bases b = {};
    const char *root = options->root && !streq(options->root, "/") ? options->root : NULL;
    int r = bases_find(options, &b);

    if (r >= 0)
        r = find_special(options, &b, &p);
    if (r >= 0)
        r = find_search(options, &b, &p);
    if (r >= 0 && root) {
        char **const special[] = { &p.persistent_config, &p.runtime_config,     &p.global_config,
                                   &p.transient,         &p.persistent_control, &p.runtime_control,
                                   &p.generator,         &p.generator_early,    &p.generator_late };

        p.root = strdup(root);
        r = p.root ? 0 : -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(special) && r >= 0; i++)
            r = put_root(root, special[i]);
        for (char **s = p.search; s && *s && r >= 0; s++)
            r = put_root(root, s);
    }
    bases_done(&b);
    if (r < 0) {
        unit_paths_done(&p);
        return r;
    }
    *ret = p;
    return 0;
}

void unit_paths_done(struct unit_paths *p)
{
    strv_free(p->search);
    free(p->persistent_config);
    free(p->runtime_config);
    free(p->global_config);
    free(p->transient);
    free(p->persistent_control);
    free(p->runtime_control);
    free(p->generator);
    free(p->generator_early);
    free(p->generator_late);
    free(p->root);
    *p = (struct unit_paths){};
}

/* Folders NAME below the places of configuration, `root` in front; the environment variable may
 * name others. */
static char **config_folders(const struct unit_paths_options *o, const char *env_name,
                             const char *name, bool with_config_home)
{
    static const char *const bases[] = { "/etc/systemd", "/run/systemd", "/usr/local/lib/systemd",
                                         "/usr/lib/systemd", "/lib/systemd" };
    const char *env = env_name ? getenv(env_name) : NULL;
    auto_strv char **folders = NULL;

    if (!isempty(env)) {
        folders = strv_split(env, ":");
        if (!folders || !endswith(env, ":"))
            return take_ptr(folders);
    }
    if (with_config_home) {
        auto_free char *home = NULL, *config = NULL, *path = NULL;

        if (home_folder(&home) >= 0) {
            config = xdg_home("XDG_CONFIG_HOME", home, ".config");
            path = config ? path_join(config, "systemd", name, NULL) : NULL;
            if (!path || strv_add(&folders, path) < 0)
                return NULL;
        }
    }
    for (size_t i = 0; i < ELEMENTSOF(bases); i++) {
        auto_free char *path = path_join(bases[i], name, NULL);

        if (!path || add(&folders, path) < 0)
            return NULL;
    }
    for (char **f = folders; f && *f; f++)
        if (put_root(o->root, f) < 0)
            return NULL;
    return take_ptr(folders);
}

char **generator_paths(const struct unit_paths_options *options)
{
    bool system = options->scope == UNIT_SCOPE_SYSTEM;

    return config_folders(options, "SYSTEMD_GENERATOR_PATH",
                          system ? "system-generators" : "user-generators", false);
}

char **preset_paths(const struct unit_paths_options *options)
{
    bool system = options->scope == UNIT_SCOPE_SYSTEM;

    return config_folders(options, NULL, system ? "system-preset" : "user-preset",
                          options->scope == UNIT_SCOPE_USER);
}
