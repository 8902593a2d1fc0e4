#include "health/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"
#include "base/strv.h"

static const struct {
    const char *name;
    int flag;
} namespaces[] = {
    { "user", CLONE_NEWUSER }, { "net", CLONE_NEWNET }, { "ipc", CLONE_NEWIPC },
    { "uts", CLONE_NEWUTS },   { "mnt", CLONE_NEWNS },
};

/* Whether the two links of /proc lead to the same. */
static bool same(pid_t pid, const char *what)
{
    char ours[64], theirs[64];
    struct stat a, b;

    snprintf(ours, sizeof ours, "/proc/self/%s", what);
    snprintf(theirs, sizeof theirs, "/proc/%d/%s", (int) pid, what);
    return stat(ours, &a) < 0 || stat(theirs, &b) < 0 ||
           (a.st_dev == b.st_dev && a.st_ino == b.st_ino);
}

/* What follows "FIELD:\t" in /proc/PID/status. */
static const char *status_field(const char *status, const char *field)
{
    const char *at = strstr(status, field);

    return at ? at + strlen(field) + strspn(at + strlen(field), ":\t ") : "";
}

static int read_groups(const char *text, struct service_context *c)
{
    size_t allocated = 0;

    for (char *end; *text && *text != '\n'; text = end + strspn(end, " ")) {
        unsigned long gid = strtoul(text, &end, 10);

        if (end == text)
            break;
        if (!grow(&c->groups, &allocated, c->n_groups + 1))
            return -ENOMEM;
        c->groups[c->n_groups++] = (gid_t) gid;
    }
    return 0;
}

static int read_environment(pid_t pid, struct service_context *c)
{
    auto_free char *data = NULL;
    char path[64];
    size_t size = 0;
    int r = 0;

    snprintf(path, sizeof path, "/proc/%d/environ", (int) pid);
    if (file_read(path, 4 * 1024 * 1024, &data, &size) < 0)
        return 0; /* not to be seen: ours stays */
    for (size_t at = 0; at < size && r >= 0; at += strlen(data + at) + 1)
        r = strv_add(&c->environment, data + at);
    return r;
}

int service_context_read(pid_t pid, struct service_context *ret)
{
    struct service_context c = { .pidfd = pidfd_from_pid(pid), .root_fd = -1 };
    auto_free char *status = NULL;
    struct process_ids ids;
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/status", (int) pid);
    int r = c.pidfd < 0 ? c.pidfd : file_read(path, 64 * 1024, &status, NULL);
    if (r >= 0)
        r = process_ids(pid, &ids);
    if (r >= 0)
        r = read_groups(status_field(status, "\nGroups"), &c);
    if (r >= 0)
        r = read_environment(pid, &c);
    if (r < 0) {
        service_context_done(&c);
        return r;
    }
    c.uid = ids.euid;
    c.gid = ids.egid;
    c.bounding = strtoull(status_field(status, "\nCapBnd"), NULL, 16);
    c.no_new_privileges = *status_field(status, "\nNoNewPrivs") == '1';
    for (size_t i = 0; i < ELEMENTSOF(namespaces); i++) {
        char what[16];

        snprintf(what, sizeof what, "ns/%s", namespaces[i].name);
        if (!same(pid, what))
            c.namespaces |= namespaces[i].flag;
    }
    snprintf(path, sizeof path, "/proc/%d/root", (int) pid);
    if (!same(pid, "root"))
        c.root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    *ret = c;
    return 0;
}

void service_context_done(struct service_context *c)
{
    c->pidfd = close_fd(c->pidfd);
    c->root_fd = close_fd(c->root_fd);
    free(c->groups);
    strv_free(c->environment);
}

/* What root may do there no more than the service's root. */
static void drop_capabilities(uint64_t bounding)
{
    for (int cap = 0; cap < 64; cap++)
        if (!(bounding & UINT64_C(1) << cap) && prctl(PR_CAPBSET_DROP, cap) < 0 && errno == EINVAL)
            break;
}

int service_context_enter(void *context)
{
    struct service_context *c = context;
    bool root = geteuid() == 0;

    if (c->environment)
        environ = c->environment;
    if (c->namespaces && setns(c->pidfd, c->namespaces) < 0)
        return -errno;
    if (c->root_fd >= 0 && (fchdir(c->root_fd) < 0 || chroot(".") < 0))
        return -errno;
    if (chdir("/") < 0)
        return -errno;
    if (root)
        drop_capabilities(c->bounding);
    if (root && c->uid != 0 &&
        (setgroups(c->n_groups, c->groups) < 0 || setresgid(c->gid, c->gid, c->gid) < 0 ||
         setresuid(c->uid, c->uid, c->uid) < 0))
        return -errno;
    if (c->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    return 0;
}
