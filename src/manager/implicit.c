#include "manager/implicit.h"

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "base/strv.h"
#include "manager/private.h"
#include "unit/config.h"
#include "unit/load.h"
#include "unit/name.h"

static bool has_cgroup(const struct unit *u)
{
    return u->type == UNIT_SLICE || u->type == UNIT_SCOPE || u->ops->has_processes;
}

int unit_add_slice_dependencies(struct unit *u)
{
    auto_free char *implied = NULL;
    const char *name = u->config ? u->config->cgroup->slice : NULL;
    int r;

    if (!has_cgroup(u) || streq(u->id, "-.slice"))
        return 0;
    if (streq(u->id, "init.scope")) {
        name = "-.slice";
    } else if (u->type == UNIT_SLICE || isempty(name)) {
        r = unit_default_slice(u->id, u->manager->user, &implied);
        if (r < 0)
            return r;
        name = implied ? implied : "-.slice";
    }

    struct unit *slice;
    r = manager_stub(u->manager, name, &slice);
    if (r < 0)
        return r;
    u->slice = unit_follow_merge(slice);
    r = unit_add_dependency(u, DEP_IN_SLICE, slice);
    if (r >= 0)
        r = unit_add_dependency(u, DEP_REQUIRES, slice);
    if (r >= 0)
        r = unit_add_dependency(u, DEP_AFTER, slice);
    return r < 0 ? r : 0;
}

int unit_add_shutdown_dependencies(struct unit *u)
{
    if (streq(u->id, "shutdown.target"))
        return 0;
    return unit_add_dependency_name(u, DEP_CONFLICTS, DEP_BEFORE, "shutdown.target");
}

int unit_add_start_dependencies(struct unit *u)
{
    int r;

    if (u->manager->user)
        r = unit_add_dependency_name(u, DEP_REQUIRES, DEPENDENCY_KIND_MAX, "basic.target");
    else
        r = unit_add_dependency_name(u, DEP_REQUIRES, DEP_AFTER, "sysinit.target");
    if (r >= 0)
        r = unit_add_dependency_name(u, DEP_AFTER, DEPENDENCY_KIND_MAX, "basic.target");
    if (r >= 0)
        r = unit_add_shutdown_dependencies(u);
    return r < 0 ? r : 0;
}

/* One prefix of the path. Only mounts that are there, or have a file, are looked at: most folders
 * are none, and a unit for each of them would be waste. */
static int add_one_mount(struct unit *u, const char *prefix, bool wants)
{
    struct manager *m = u->manager;
    auto_free char *name = NULL;
    struct unit_file file = { 0 };

    int r = unit_name_from_path(prefix, ".mount", &name);
    if (r == -ENOMEM)
        return r;
    if (r < 0)
        return 0;
    struct unit *mount = manager_unit(m, name);
    bool has_file = m->loader && unit_loader_find(m->loader, name, &file) > 0 && file.path;
    if (!mount && !has_file)
        return 0;
    if (!mount) {
        r = manager_stub(m, name, &mount);
        if (r < 0)
            return r == -ENOMEM ? r : 0;
    }
    r = unit_add_dependency(u, DEP_AFTER, mount);
    if (r >= 0 && has_file)
        r = unit_add_dependency(u, wants ? DEP_WANTS : DEP_REQUIRES, mount);
    return r < 0 ? r : 0;
}

int unit_add_mounts_for(struct unit *u, const char *path, bool wants)
{
    auto_free char *prefix = strdup(path);

    if (!prefix)
        return -ENOMEM;
    if (!path_is_absolute(prefix))
        return 0;
    struct unit_rare *rare = unit_rare(u);
    if (!rare)
        return -ENOMEM;
    char ***list = wants ? &rare->wants_mounts_for : &rare->requires_mounts_for;
    path_simplify(prefix);
    if (!strv_contains(*list, prefix) && strv_add(list, prefix) < 0)
        return -ENOMEM;
    for (;;) {
        int r = add_one_mount(u, prefix, wants);
        if (r < 0)
            return r;
        char *slash = strrchr(prefix, '/');
        if (!slash || streq(prefix, "/"))
            return 0;
        slash[slash == prefix ? 1 : 0] = '\0';
    }
}

static int add_directories(struct unit *u, const struct exec_directory *list, const char *prefix)
{
    for (const struct exec_directory *d = list; d; d = d->next) {
        auto_free char *path = path_join(strempty(prefix), d->path, NULL);
        if (!path)
            return -ENOMEM;
        int r = unit_add_mounts_for(u, path, false);
        if (r < 0)
            return r;
    }
    return 0;
}

static bool goes_to_journal(int output)
{
    return output == EXEC_OUTPUT_JOURNAL || output == EXEC_OUTPUT_JOURNAL_CONSOLE ||
           output == EXEC_OUTPUT_KMSG || output == EXEC_OUTPUT_KMSG_CONSOLE;
}

int unit_add_exec_dependencies(struct unit *u)
{
    const struct exec_config *c = u->config->exec;
    const struct spawn_manager *places = &u->manager->spawn;
    int r = 0;

    const struct {
        const struct exec_directory *list;
        const char *prefix;
    } families[] = {
        { c->runtime_directory, places->runtime_prefix },
        { c->state_directory, places->state_prefix },
        { c->cache_directory, places->cache_prefix },
        { c->logs_directory, places->logs_prefix },
        { c->configuration_directory, places->configuration_prefix },
    };

    if (c->working_directory.path)
        r = unit_add_mounts_for(u, c->working_directory.path, c->working_directory.missing_ok);
    if (r >= 0 && c->root_directory)
        r = unit_add_mounts_for(u, c->root_directory, true);
    if (r >= 0 && u->config->sandbox->root_image)
        r = unit_add_mounts_for(u, u->config->sandbox->root_image, true);
    for (size_t i = 0; r >= 0 && i < ELEMENTSOF(families); i++)
        r = add_directories(u, families[i].list, families[i].prefix);
    if (r < 0 || u->manager->user)
        return r;

    if (c->state_directory || c->cache_directory || c->logs_directory)
        r = unit_add_dependency_name(u, DEP_AFTER, DEPENDENCY_KIND_MAX,
                                     "systemd-remount-fs.service");
    if (r >= 0 && u->config->sandbox->private_tmp == PRIVATE_TMP_CONNECTED) {
        r = unit_add_mounts_for(u, "/tmp", true);
        if (r >= 0)
            r = unit_add_mounts_for(u, "/var/tmp", true);
        if (r >= 0)
            r = unit_add_dependency_name(u, DEP_AFTER, DEPENDENCY_KIND_MAX,
                                         "systemd-tmpfiles-setup.service");
    }
    if (r >= 0 &&
        (goes_to_journal(c->standard_output.kind) || goes_to_journal(c->standard_error.kind)))
        r = unit_add_dependency_name(u, DEP_AFTER, DEPENDENCY_KIND_MAX, "systemd-journald.socket");
    return r < 0 ? r : 0;
}
