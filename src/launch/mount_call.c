/* launch/mount_call.c -- open_tree, move_mount, mount_setattr, openat2, pivot_root. */
#include "launch/mount_call.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/openat2.h>

#include "base/alloc.h"
#include "base/fd.h"
#include "base/str.h"

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#define MOVE_MOUNT_F_EMPTY_PATH 0x00000004
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef MOUNT_ATTR_RDONLY
#define MOUNT_ATTR_RDONLY 0x00000001
#define MOUNT_ATTR_NOSUID 0x00000002
#define MOUNT_ATTR_NODEV 0x00000004
#define MOUNT_ATTR_NOEXEC 0x00000008
struct mount_attr {
    uint64_t attr_set, attr_clr, propagation, userns_fd;
};
#endif

int mount_copy(const char *path, bool recursive)
{
    int fd = (int) syscall(SYS_open_tree, AT_FDCWD, path,
                           OPEN_TREE_CLONE | O_CLOEXEC | (recursive ? AT_RECURSIVE : 0));

    return fd < 0 ? -errno : fd;
}

int mount_attach(int fd, const char *path)
{
    return syscall(SYS_move_mount, fd, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno
                                                                                        : 0;
}

int open_in_root(int root_fd, const char *path)
{
    struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
    int fd = (int) syscall(SYS_openat2, root_fd, path, &how, sizeof how);

    if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
        /* Old kernel, or a filter: good enough where the root is / itself. */
        const char *below = path + strspn(path, "/");

        fd = openat(root_fd, *below ? below : ".", O_PATH | O_CLOEXEC);
    }
    return fd < 0 ? -errno : fd;
}

int is_mount_point(const char *path)
{
    struct statx sx;
    struct stat st, above;

    if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &sx) < 0)
        return -errno;
    if (sx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT)
        return (sx.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
    /* Before Linux 5.8: misses binds within one file system, which are then bound once more. */
    auto_free char *parent = path_join(path, "..", NULL);
    if (!parent || lstat(path, &st) < 0 || stat(parent, &above) < 0)
        return -errno;
    return st.st_dev != above.st_dev || st.st_ino == above.st_ino;
}

#define STACKED_MAX 16 /* mounts at one place */

static unsigned attributes(unsigned long flags)
{
    return (flags & MS_STRICTATIME ? MOUNT_ATTR_STRICTATIME : 0) |
           (flags & MS_RDONLY ? MOUNT_ATTR_RDONLY : 0) |
           (flags & MS_NOSUID ? MOUNT_ATTR_NOSUID : 0) | (flags & MS_NODEV ? MOUNT_ATTR_NODEV : 0) |
           (flags & MS_NOEXEC ? MOUNT_ATTR_NOEXEC : 0);
}

int mount_make(const char *type, unsigned long flags, const char *options)
{
    auto_free char *words = strdup(strempty(options));
    auto_close int fs = (int) syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
    char *save = NULL;

    if (!words)
        return -ENOMEM;
    if (fs < 0)
        return -errno;
    for (char *word = strtok_r(words, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
        char *value = strchr(word, '=');

        if (value)
            *value++ = 0;
        if (syscall(SYS_fsconfig, fs, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, word, value,
                    0) < 0)
            return -errno;
    }
    if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
        return -errno;
    int fd = (int) syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes(flags));
    return fd < 0 ? -errno : fd;
}

int mount_place(int fd, const char *path)
{
    /* What was there goes: it would come to light where somebody takes the new one away. */
    for (int i = 0; i < STACKED_MAX && is_mount_point(path) > 0 && umount2(path, MNT_DETACH) >= 0;
         i++)
        ;
    return mount_attach(fd, path);
}

int mount_new(const char *type, const char *path, unsigned long flags, const char *options)
{
    auto_close int fd = mount_make(type, flags, options);

    if (mount_is_missing(fd))
        return mount(type, path, type, flags, options) < 0 ? -errno : 0;
    return fd < 0 ? fd : mount_place(fd, path);
}

int mount_add_flags(const char *path, unsigned long flags, unsigned long now)
{
    struct mount_attr attr = {
        .attr_set = attributes(flags),
    };

    if ((now & flags) == flags)
        return 0;
    if (syscall(SYS_mount_setattr, AT_FDCWD, path, 0, &attr, sizeof attr) >= 0)
        return 0;
    if (errno != ENOSYS && errno != EPERM)
        return -errno;
    return mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | now | flags, NULL) < 0 ? -errno : 0;
}

int mount_become_root(const char *path)
{
    if (chdir(path) < 0)
        return -errno;
    /* The old root ends up below the new one at the same place, from where it is let go. */
    if (syscall(SYS_pivot_root, ".", ".") >= 0)
        return umount2(".", MNT_DETACH) < 0 || chdir("/") < 0 ? -errno : 0;
    /* The root is an initramfs, which cannot be pivoted from. */
    if (mount(path, "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 || chdir("/") < 0)
        return -errno;
    return 0;
}

/* The folder that is the root becomes a mount. Not before what is mounted on it can no longer be
 * seen where this namespace was copied from; only from the namespace's own root can that be said,
 * which entering the namespace leads to. */
static int make_root_a_mount(void)
{
    auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC),
                   own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);

    if (root < 0 || own < 0 || setns(own, CLONE_NEWNS) < 0)
        return -errno;
    int r = mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 || fchdir(root) < 0 ? -errno : 0;
    auto_close int copy = r < 0 ? r : mount_copy(".", true);
    r = copy < 0 ? copy : mount_attach(copy, ".");
    if (fchdir(r < 0 ? root : copy) < 0 || chroot(".") < 0)
        return -errno;
    return r;
}

int mount_set_propagation(unsigned long propagation)
{
    int r = mount(NULL, "/", NULL, MS_REC | propagation, NULL) < 0 ? -errno : 0;

    if (r != -EINVAL)
        return r;
    r = make_root_a_mount();
    return r < 0 ? r : mount(NULL, "/", NULL, MS_REC | propagation, NULL) < 0 ? -errno : 0;
}
