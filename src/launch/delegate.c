/* launch/delegate.c -- Delegate= (systemd.resource-control(5)): the cgroup is given to the user. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "launch/child.h"
#include "unit/directive.h"

static const char *const files[] = { "cgroup.procs", "cgroup.subtree_control", "cgroup.threads",
                                     "memory.oom.group", "memory.reclaim" };

static int give(int fd, uid_t uid, gid_t gid)
{
    if (fchown(fd, uid, gid) < 0)
        return -errno;
    for (size_t i = 0; i < ELEMENTSOF(files); i++)
        if (fchownat(fd, files[i], uid, gid, 0) < 0 && errno != ENOENT)
            return -errno;
    return 0;
}

int child_delegate_cgroup(struct child *c)
{
    int fd = c->cgroup_fd;
    const char *subgroup = c->cgroup->delegate_subgroup;

    if (!c->cgroup->delegate.enabled || fd < 0 || !c->has_user)
        return 0;
    int r = give(fd, c->uid, c->has_group ? c->gid : (gid_t) -1);
    if (r >= 0 && !isempty(subgroup)) {
        auto_close int sub = openat(fd, subgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (sub >= 0)
            r = give(sub, c->uid, c->has_group ? c->gid : (gid_t) -1);
    }
    return r < 0 ? child_fail(c, EXEC_STATUS_CGROUP, r, "Delegate",
                              tracker_cgroup(c->request->tracker))
                 : 0;
}

/* The set-up step that would have had to do it. */
static enum exec_status missing_step(const struct directive *d)
{
    return strstr(d->name, "Credential") ? EXEC_STATUS_CREDENTIALS : EXEC_STATUS_NAMESPACE;
}

/* What is not implemented, and without which the processes would be somebody else, or see something
 * else, than was asked for. */
int child_tell_missing(struct child *c)
{
    const struct unit_config *u = c->request->config;

    if (c->sandbox->restrict_file_systems && c->sandbox->restrict_file_systems->names) {
        int r = child_degrade(c, EXEC_STATUS_BPF, -EOPNOTSUPP, CLASS_HARDENING, false,
                              "RestrictFileSystems", NULL);
        if (r < 0)
            return r;
    }
    for (unsigned i = 0; c->apply_sandbox && i < u->n_provenance; i++) {
        const struct directive *d = &directives[u->provenance[i].directive];

        if (d->name && directive_forbids_start(d) && !directive_is_preset(u, d))
            return child_fail(c, missing_step(d), -EOPNOTSUPP, d->name, NULL);
    }
    return 0;
}
