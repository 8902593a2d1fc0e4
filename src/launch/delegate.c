/* launch/delegate.c -- Delegate= (systemd.resource-control(5)): the cgroup is given to the user. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "launch/child.h"

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
    int fd = tracker_cgroup_fd(c->request->tracker);
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

/* What has no place here is said, and the start goes on: it does not change what the service is. */
int child_tell_missing(struct child *c)
{
    if (c->sandbox->pam_name)
        report_degraded(c->report_fd, "PAMName", -EOPNOTSUPP, c->sandbox->pam_name);
    if (c->sandbox->restrict_file_systems && c->sandbox->restrict_file_systems->names)
        return child_degrade(c, EXEC_STATUS_BPF, -EOPNOTSUPP, CLASS_HARDENING, false,
                             "RestrictFileSystems", NULL);
    if (c->apply_sandbox && c->sandbox->private_pids != PRIVATE_PIDS_NO)
        return child_fail(c, EXEC_STATUS_NAMESPACE, -EOPNOTSUPP, "PrivatePIDs", NULL);
    return 0;
}
