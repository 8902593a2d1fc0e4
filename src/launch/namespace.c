/* launch/namespace.c -- network, IPC, UTS and user namespaces of a unit (mounts: mounts.c). */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/capability.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"
#include "launch/capability.h"
#include "launch/child.h"
#include "launch/pair.h"
#include "launch/runtime.h"

static int loopback_up(void)
{
    struct ifreq request = { .ifr_name = "lo" };
    auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (ioctl(fd, SIOCGIFFLAGS, &request) < 0)
        return -errno;
    request.ifr_flags |= IFF_UP;
    return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

/* The first command of the unit makes the namespace and leaves it in the pair, the others join. */
static int join_or_make(int pair[2], unsigned long kind, const char *proc_file, bool *ret_made)
{
    int r = pair_lock(pair);

    if (r < 0)
        return r;
    auto_close int fd = pair_take(pair);
    *ret_made = false;
    if (fd >= 0) {
        r = setns(fd, (int) kind) < 0 ? -errno : 0;
    } else if (fd == -EAGAIN) {
        if (unshare((int) kind) < 0)
            r = -errno;
        else
            fd = open(proc_file, O_RDONLY | O_CLOEXEC);
        *ret_made = r >= 0;
    } else {
        r = fd;
    }
    if (fd >= 0)
        (void) pair_put(pair, fd);
    pair_unlock(pair);
    return r;
}

static int join_path(const char *path, unsigned long kind)
{
    auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return -errno;
    return setns(fd, (int) kind) < 0 ? -errno : 0;
}

int child_enter_network(struct child *c)
{
    const struct sandbox_config *s = c->sandbox;
    int none[2] = { -1, -1 }, *pair = c->request->runtime ? c->request->runtime->netns : none;
    bool made = false;

    if (!c->apply_sandbox || (!s->private_network && !s->network_namespace_path))
        return 0;
    if (s->network_namespace_path) {
        int r = join_path(s->network_namespace_path, CLONE_NEWNET);

        return r < 0 ? child_fail(c, EXEC_STATUS_NETWORK, r, "NetworkNamespacePath",
                                  s->network_namespace_path)
                     : 0;
    }
    int r = pair[0] < 0 ? (unshare(CLONE_NEWNET) < 0 ? -errno : 0)
                        : join_or_make(pair, CLONE_NEWNET, "/proc/self/ns/net", &made);
    if (r < 0)
        return child_degrade(c, EXEC_STATUS_NETWORK, r, CLASS_HARDENING, true, "PrivateNetwork",
                             NULL);
    if (made || pair[0] < 0)
        (void) loopback_up(); /* as systemd, which goes on without */
    return 0;
}

int child_enter_ipc(struct child *c)
{
    const struct sandbox_config *s = c->sandbox;
    int none[2] = { -1, -1 }, *pair = c->request->runtime ? c->request->runtime->ipcns : none;
    bool made;

    if (!c->apply_sandbox || (!s->private_ipc && !s->ipc_namespace_path))
        return 0;
    if (s->ipc_namespace_path) {
        int r = join_path(s->ipc_namespace_path, CLONE_NEWIPC);

        return r < 0 ? child_fail(c, EXEC_STATUS_NAMESPACE, r, "IPCNamespacePath",
                                  s->ipc_namespace_path)
                     : 0;
    }
    int r = pair[0] < 0 ? (unshare(CLONE_NEWIPC) < 0 ? -errno : 0)
                        : join_or_make(pair, CLONE_NEWIPC, "/proc/self/ns/ipc", &made);
    return r < 0 ? child_degrade(c, EXEC_STATUS_NAMESPACE, r, CLASS_HARDENING, false, "PrivateIPC",
                                 NULL)
                 : 0;
}

int child_enter_uts(struct child *c)
{
    if (!c->apply_sandbox || !c->sandbox->protect_hostname)
        return 0;
    if (unshare(CLONE_NEWUTS) < 0)
        return child_degrade(c, EXEC_STATUS_NAMESPACE, -errno, CLASS_HARDENING, false,
                             "ProtectHostname", NULL);
    return 0;
}

bool child_wants_pids(const struct child *c)
{
    return c->apply_sandbox && c->sandbox->private_pids != PRIVATE_PIDS_NO;
}

int child_check_pids(struct child *c)
{
    return child_wants_pids(c) && getpid() != 1
               ? child_degrade(c, EXEC_STATUS_NAMESPACE, -EPERM, CLASS_VIEW, false, "PrivatePIDs",
                               NULL)
               : 0;
}

/* ---- user namespaces ---- */

static int write_proc(const char *pid, const char *file, const char *text)
{
    auto_free char *path = path_join("/proc", pid, file, NULL);

    return path ? file_write(path, text) : -ENOMEM;
}

/* The maps are written by a process that stays in the old namespace, where it has the right. */
static int make_user_namespace(const char *uid_map, const char *gid_map)
{
    int go[2], status;

    if (pipe2(go, O_CLOEXEC) < 0)
        return -errno;
    auto_close int go_read = go[0], go_write = go[1];
    /* Of the PID namespace that /proc is of, which need not be ours. */
    auto_free char *us = NULL;
    int r = readlink_alloc("/proc/self", &us);
    if (r < 0)
        return r;
    pid_t helper = (pid_t) syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (helper < 0)
        return -errno;
    if (helper == 0) {
        char c;

        go_write = close_fd(go_write);
        if (read(go_read, &c, 1) != 1)
            _exit(0);
        r = write_proc(us, "setgroups", "deny");
        if (r == -ENOENT)
            r = 0;
        if (r >= 0)
            r = write_proc(us, "gid_map", gid_map);
        if (r >= 0)
            r = write_proc(us, "uid_map", uid_map);
        _exit(r < 0 ? -r : 0);
    }
    r = unshare(CLONE_NEWUSER) < 0 ? -errno : 0;
    if (r >= 0 && write(go_write, "", 1) != 1)
        r = -errno;
    go_write = close_fd(go_write);
    while (waitpid(helper, &status, 0) < 0)
        if (errno != EINTR)
            return -errno;
    if (r >= 0)
        r = WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
    return r;
}

static void self_map(char text[static 64], uint32_t id)
{
    if (id == 0)
        snprintf(text, 64, "0 0 1\n");
    else
        snprintf(text, 64, "0 0 1\n%u %u 1\n", id, id);
}

int child_private_users(struct child *c)
{
    char uids[64], gids[64];
    int r;

    if (!c->apply_sandbox || c->sandbox->private_users == PRIVATE_USERS_NO || c->new_user_namespace)
        return 0;
    if (c->sandbox->private_users == PRIVATE_USERS_IDENTITY) {
        r = make_user_namespace("0 0 65536\n", "0 0 65536\n");
    } else {
        self_map(uids, c->apply_identity && c->has_user ? c->uid : getuid());
        self_map(gids, c->apply_identity && c->has_group ? c->gid : getgid());
        r = make_user_namespace(uids, gids);
    }
    if (r < 0)
        return child_degrade(c, EXEC_STATUS_USER, r, CLASS_VIEW, false, "PrivateUsers", NULL);
    c->new_user_namespace = true;
    return 0;
}

static bool needs_privileges(const struct child *c)
{
    const struct sandbox_config *s = c->sandbox;

    return s->private_users != PRIVATE_USERS_NO || s->private_network ||
           s->network_namespace_path || s->private_ipc || s->ipc_namespace_path ||
           s->protect_hostname || child_needs_mounts(c) || (c->apply_root && c->root);
}

/* A manager without privileges (systemd.exec(5), PrivateUsers=): in a user namespace of its own,
 * the process may set up all the others. */
int child_enter_user_namespace(struct child *c)
{
    char uids[64], gids[64];

    if (!c->apply_sandbox || capability_effective(CAP_SYS_ADMIN) || !needs_privileges(c))
        return 0;
    snprintf(uids, sizeof uids, "%u %u 1\n", geteuid(), geteuid());
    snprintf(gids, sizeof gids, "%u %u 1\n", getegid(), getegid());
    int r = make_user_namespace(uids, gids);
    if (r < 0) {
        if (c->sandbox->private_users != PRIVATE_USERS_NO)
            return child_fail(c, EXEC_STATUS_USER, r, "PrivateUsers", NULL);
        return 0; /* what needs it says so itself */
    }
    c->new_user_namespace = true;
    return 0;
}
