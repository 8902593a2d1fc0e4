/* Mounts as the kernel's table has them. Each mount point is a unit that is active; mounting and
 * unmounting is not done yet. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/quote.h"
#include "base/str.h"
#include "event/event.h"
#include "manager/mount.h"
#include "manager/private.h"
#include "manager/simple.h"
#include "unit/config.h"
#include "unit/name.h"

static int mount_load(struct unit *u)
{
    auto_free char *path = NULL;
    int r = unit_name_to_path(u->id, &path);

    if (r < 0)
        return r == -ENOMEM ? r : unit_load_fault(u, "The name is not that of a mount point.");
    u->not_yet_run = !simple_unit(u)->active;
    /* A mount that was there before, and that no file speaks of, is not ours to take down. */
    if (u->config->fragment_path && u->config->unit->default_dependencies && !u->manager->user)
        return unit_add_dependency_name(u, DEP_CONFLICTS, DEP_BEFORE, "umount.target");
    return 0;
}

static int mount_start(struct unit *u)
{
    return -EOPNOTSUPP;
}

static int mount_stop(struct unit *u)
{
    /* What reeve has not mounted it does not unmount: the mount stays, the unit is let go. */
    simple_set(u, false);
    u->not_yet_run = true;
    return 1;
}

static const char *mount_sub_state(const struct unit *u)
{
    return simple_unit(u)->active ? "mounted" : "dead";
}

const struct unit_ops mount_ops = {
    .object_size = sizeof(struct simple_unit),
    .load = mount_load,
    .start = mount_start,
    .stop = mount_stop,
    .active_state = simple_active_state,
    .sub_state = mount_sub_state,
};

/* The unit of a mount point without a file is loaded nonetheless: the mount is the file. */
static void mount_found(struct manager *m, const char *path)
{
    auto_free char *name = NULL;
    struct unit *u;

    if (unit_name_from_path(path, ".mount", &name) < 0 || manager_stub(m, name, &u) < 0)
        return;
    u = unit_follow_merge(u);
    if (u->ops != &mount_ops)
        return;
    struct simple_unit *s = simple_unit(u);
    s->tainted = true;
    if (s->active)
        return;
    u->not_yet_run = false;
    if (u->load_state == LOAD_NOT_FOUND)
        (void) unit_reread(u);
    if (m->startup)
        s->active = true; /* it was there before us */
    else
        simple_set(u, true);
}

void manager_read_mounts(struct manager *m)
{
    auto_fclose FILE *f = fopen("/proc/self/mountinfo", "re");
    auto_free char *line = NULL;
    size_t allocated = 0;
    struct unit *u;

    if (!f)
        return;
    MANAGER_FOREACH_UNIT(u, m)
    if (u->ops == &mount_ops)
        simple_unit(u)->tainted = false;
    while (getline(&line, &allocated, f) > 0) {
        char *field = line, *save = NULL;
        auto_free char *path = NULL;

        /* proc(5): the fifth field is the mount point, with octal escapes. */
        field = strtok_r(line, " ", &save);
        for (unsigned i = 0; field && i < 4; i++)
            field = strtok_r(NULL, " ", &save);
        if (field && c_unescape(field, true, &path) >= 0)
            mount_found(m, path);
    }
    MANAGER_FOREACH_UNIT(u, m)
    if (u->ops == &mount_ops && simple_unit(u)->active && !simple_unit(u)->tainted) {
        simple_set(u, false);
        u->not_yet_run = true;
    }
}

static void on_change(struct event_source *s, int fd, uint32_t revents, void *userdata)
{
    struct manager *m = userdata;
    char buffer[1];

    /* The event is taken by reading; what changed is found by reading all. */
    (void) !pread(fd, buffer, sizeof buffer, 0);
    manager_read_mounts(m);
}

int manager_watch_mounts(struct manager *m)
{
    m->mountinfo_fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (m->mountinfo_fd < 0)
        return -errno;
    int r = event_add_io(m->loop, m->mountinfo_fd, EPOLLPRI, on_change, m, &m->mountinfo_source);
    if (r < 0)
        return r;
    /* Services with namespaces of their own make many mounts, and each is told. */
    event_source_set_rate_limit(m->mountinfo_source, USEC_PER_SEC, 5);
    return 0;
}
