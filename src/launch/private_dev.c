/* launch/private_dev.c -- a /dev with null, zero, full, random, urandom, tty and terminals. */
#include "launch/private_dev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
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

/* The same device. Where nodes cannot be made (a user namespace, a limit on devices), the host's is
 * mounted over a file: *ret_copy is what is to be attached to it. */
static int make_node(int dir, const char *name, int host, int *ret_copy)
{
    struct stat st;
    char path[64], target[64];
    bool made;

    if (host < 0 || fstat(host, &st) < 0)
        return 0;
    if (!S_ISCHR(st.st_mode))
        return -ENODEV;
    made = mknodat(dir, name, st.st_mode, st.st_rdev) >= 0;
    if (!made) {
        if (errno != EPERM && errno != EACCES)
            return -errno;
        auto_close int file = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY,
                                     0000);
        if (file < 0)
            return -errno;
        snprintf(path, sizeof path, "/proc/self/fd/%d", host);
        *ret_copy = mount_copy(path, false);
        if (*ret_copy < 0)
            return *ret_copy;
    }
    snprintf(path, sizeof path, "char/%u:%u", major(st.st_rdev), minor(st.st_rdev));
    snprintf(target, sizeof target, "../%s", name);
    (void) symlinkat(target, dir, path);
    return 0;
}

static int fill(struct private_dev *d, int dir, int copies[static PRIVATE_DEV_NODES])
{
    int r = mkdirat(dir, "char", 0755) < 0 ? -errno : 0;

    for (size_t i = 0; i < PRIVATE_DEV_NODES && r >= 0; i++)
        r = make_node(dir, nodes[i], d->nodes[i], &copies[i]);
    for (size_t i = 0; i < ELEMENTSOF(links) && r >= 0; i++)
        if (symlinkat(links[i].target, dir, links[i].name) < 0)
            r = -errno;
    for (size_t i = 0; i < PRIVATE_DEV_FOLDERS && r >= 0; i++)
        if (d->folders[i] >= 0 && mkdirat(dir, folders[i], 0755) < 0)
            r = -errno;
    if (r >= 0 && symlinkat("pts/ptmx", dir, "ptmx") < 0)
        r = -errno;
    return r;
}

static int attach(int fd, const char *folder, const char *name)
{
    auto_free char *target = path_join(folder, name, NULL);

    return !target ? -ENOMEM : fd < 0 ? 0 : mount_attach(fd, target);
}

/* Filled before it is in its place: what is taken over from the present /dev goes with that. */
static int make(struct private_dev *d, int copies[static PRIVATE_DEV_NODES], const char *path)
{
    const unsigned long flags = MS_NOSUID | MS_NOEXEC | MS_STRICTATIME;
    const char *options = "mode=0755,size=4m,nr_inodes=64k";
    auto_close int fd = mount_make("tmpfs", flags, options);
    bool in_place = mount_is_missing(fd);
    int r = 0;

    if (in_place)
        r = mount("tmpfs", path, "tmpfs", flags, options) < 0 ? -errno : 0;
    else if (fd < 0)
        r = fd;
    if (r < 0)
        return r;
    auto_close int dir = in_place ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
                                  : openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    r = dir < 0 ? -errno : fill(d, dir, copies);
    if (r >= 0 && !in_place)
        r = mount_place(fd, path);
    for (size_t i = 0; i < PRIVATE_DEV_NODES && r >= 0; i++)
        r = attach(copies[i], path, nodes[i]);
    /* A plain folder of /dev is copied as the whole of /dev would be: not wanted. */
    for (size_t i = 0; i < PRIVATE_DEV_FOLDERS && r >= 0; i++)
        (void) attach(d->folders[i], path, folders[i]);
    return r;
}

int private_dev_mount(struct private_dev *d, const char *path)
{
    int copies[PRIVATE_DEV_NODES];
    mode_t mask = umask(0);

    for (size_t i = 0; i < PRIVATE_DEV_NODES; i++)
        copies[i] = -1;
    int r = make(d, copies, path);
    umask(mask);
    for (size_t i = 0; i < PRIVATE_DEV_NODES; i++) {
        d->nodes[i] = close_fd(d->nodes[i]);
        (void) close_fd(copies[i]);
    }
    for (size_t i = 0; i < PRIVATE_DEV_FOLDERS; i++)
        d->folders[i] = close_fd(d->folders[i]);
    return r;
}
