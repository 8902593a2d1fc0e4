/* launch/private_dev.c -- a /dev with null, zero, full, random, urandom, tty and terminals. */
#include "launch/private_dev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/macro.h"
#include "base/str.h"
#include "launch/mount_call.h"

static const char *const nodes[PRIVATE_DEV_NODES] = { "null",   "zero",    "full",
                                                      "random", "urandom", "tty" };
static const char *const folders[PRIVATE_DEV_FOLDERS] = { "pts", "shm", "mqueue", "hugepages" };
static const struct {
    const char *name, *target;
} links[] = {
    { "fd", "/proc/self/fd" },
    { "stdin", "/proc/self/fd/0" },
    { "stdout", "/proc/self/fd/1" },
    { "stderr", "/proc/self/fd/2" },
    { "log", "/run/systemd/journal/dev-log" },
};

void private_dev_open(struct private_dev *d)
{
    char path[64];

    for (size_t i = 0; i < PRIVATE_DEV_NODES; i++) {
        snprintf(path, sizeof path, "/dev/%s", nodes[i]);
        d->nodes[i] = open(path, O_PATH | O_CLOEXEC);
    }
    for (size_t i = 0; i < PRIVATE_DEV_FOLDERS; i++) {
        snprintf(path, sizeof path, "/dev/%s", folders[i]);
        d->folders[i] = mount_copy(path, true);
    }
}

/* The same device; where nodes cannot be made (a user namespace), the host's is mounted over a
 * file. */
static int make_node(int dir, const char *name, int host)
{
    struct stat st;
    char from[64], to[64], link[32], target[64];

    if (host < 0 || fstat(host, &st) < 0)
        return 0;
    if (!S_ISCHR(st.st_mode))
        return -ENODEV;
    if (mknodat(dir, name, st.st_mode, st.st_rdev) < 0) {
        if (errno != EPERM && errno != EACCES)
            return -errno;
        auto_close int file = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY,
                                     0000);
        if (file < 0)
            return -errno;
        snprintf(from, sizeof from, "/proc/self/fd/%d", host);
        snprintf(to, sizeof to, "/proc/self/fd/%d", file);
        if (mount(from, to, NULL, MS_BIND, NULL) < 0)
            return -errno;
    }
    snprintf(link, sizeof link, "char/%u:%u", major(st.st_rdev), minor(st.st_rdev));
    snprintf(target, sizeof target, "../%s", name);
    (void) symlinkat(target, dir, link);
    return 0;
}

static int fill(struct private_dev *d, int dir, const char *path)
{
    int r = mkdirat(dir, "char", 0755) < 0 ? -errno : 0;

    for (size_t i = 0; i < PRIVATE_DEV_NODES && r >= 0; i++)
        r = make_node(dir, nodes[i], d->nodes[i]);
    for (size_t i = 0; i < ELEMENTSOF(links) && r >= 0; i++)
        if (symlinkat(links[i].target, dir, links[i].name) < 0)
            r = -errno;
    for (size_t i = 0; i < PRIVATE_DEV_FOLDERS && r >= 0; i++) {
        auto_free char *target = path_join(path, folders[i], NULL);

        if (!target)
            return -ENOMEM;
        if (d->folders[i] < 0)
            continue;
        if (mkdirat(dir, folders[i], 0755) < 0)
            return -errno;
        /* A plain folder of /dev is copied as the whole of /dev would be: not wanted. */
        (void) mount_attach(d->folders[i], target);
    }
    if (r >= 0 && symlinkat("pts/ptmx", dir, "ptmx") < 0)
        r = -errno;
    return r;
}

int private_dev_mount(struct private_dev *d, const char *path)
{
    mode_t mask = umask(0);
    int r = mount_new("tmpfs", path, MS_NOSUID | MS_NOEXEC | MS_STRICTATIME,
                      "mode=0755,size=4m,nr_inodes=64k");

    if (r >= 0) {
        auto_close int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        r = dir < 0 ? -errno : fill(d, dir, path);
    }
    umask(mask);
    for (size_t i = 0; i < PRIVATE_DEV_NODES; i++)
        d->nodes[i] = close_fd(d->nodes[i]);
    for (size_t i = 0; i < PRIVATE_DEV_FOLDERS; i++)
        d->folders[i] = close_fd(d->folders[i]);
    return r;
}
