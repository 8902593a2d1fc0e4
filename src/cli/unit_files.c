#include "cli/unit_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/strv.h"
#include "unit/builtin.h"
#include "unit/name.h"

static enum unit_scope scope_of(const struct systemctl *c)
{
    switch (c->scope) {
    case SCOPE_SYSTEM:
        return UNIT_SCOPE_SYSTEM;
    case SCOPE_USER:
        return UNIT_SCOPE_USER;
    case SCOPE_GLOBAL:
        return UNIT_SCOPE_GLOBAL;
    }
    assert_unreachable();
}

int unit_files_open(const struct systemctl *c, struct unit_loader **ret)
{
    struct unit_paths_options paths_options = { .scope = scope_of(c), .root = c->root };
    struct unit_loader_options options = { .user = c->scope != SCOPE_SYSTEM, .root = c->root };
    struct unit_paths paths = { 0 };
    int r;

    if (c->root && access(c->root, F_OK) < 0) {
        r = -errno;
        fprintf(stderr, "Failed to initialize unit search paths for root directory %s: %s\n",
                c->root, strerror(-r));
        return r;
    }
    r = unit_paths_new(&paths_options, &paths);
    if (r >= 0)
        r = unit_loader_new(&options, &paths, ret);
    if (r == -ENXIO)
        fprintf(stderr, "Failed to find the user's unit files: neither XDG_CONFIG_HOME nor HOME is "
                        "set.\n");
    else if (r < 0)
        fprintf(stderr, "Failed to read the unit files: %s\n", strerror(-r));
    return r;
}

void unit_file_set_done(struct unit_file_set *s)
{
    free(s->name);
    free(s->fragment);
    strv_free(s->drop_ins);
    *s = (struct unit_file_set){ 0 };
}

/* A template is not loaded: its file is all there is. */
static int find_template(struct unit_loader *l, const char *name, struct unit_file_set *ret)
{
    struct unit_file file;

    if (unit_loader_find(l, name, &file) <= 0 || !file.path)
        return -ENOENT;
    if (file.masked)
        return -ERFKILL;
    ret->name = strdup(name);
    ret->fragment = strdup(file.path);
    return ret->name && ret->fragment ? 0 : -ENOMEM;
}

int unit_files_find(struct unit_loader *l, const char *name, bool user, struct unit_file_set *ret)
{
    const struct builtin_unit *builtin;
    struct unit_config *config;
    int r;

    if (unit_name_is_valid(name, UNIT_NAME_TEMPLATE))
        return find_template(l, name, ret);
    r = unit_load(l, name, &config);
    if (r < 0)
        return r;
    builtin = config->builtin ? builtin_unit_find(config->name, user) : NULL;
    if (config->load_state == LOAD_MASKED)
        r = -ERFKILL;
    else if (!config->fragment_path && !config->dropin_paths && !builtin)
        r = -ENOENT;
    if (r >= 0) {
        ret->name = strdup(config->name);
        ret->fragment = config->fragment_path ? strdup(config->fragment_path) : NULL;
        ret->drop_ins = config->dropin_paths ? strv_copy(config->dropin_paths) : NULL;
        ret->builtin = builtin ? builtin->text : NULL;
        if (!ret->name || (config->fragment_path && !ret->fragment) ||
            (config->dropin_paths && !ret->drop_ins))
            r = -ENOMEM;
    }
    unit_config_free(config);
    return r;
}

int unit_files_reload_manager(struct systemctl *c)
{
    if (c->no_reload || c->root || c->scope == SCOPE_GLOBAL || systemctl_try_connect(c) < 0)
        return EXIT_SUCCESS;
    return systemctl_reload(c) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
