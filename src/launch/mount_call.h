/* launch/mount_call.h -- the mount calls that the C library may lack, with older kernels in mind.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <sys/types.h>

/* A detached copy of the mount at `path` (with what is below it if `recursive`): a descriptor for
 * mount_attach(), or a negative errno. */
int mount_copy(const char *path, bool recursive);
/* A new file system of this type, with flags and options as of mount(2), in place of what is
 * mounted at `path`: nothing is left beneath it. Unlike mount(2) it may be the same as that. */
int mount_new(const char *type, const char *path, unsigned long flags, const char *options);
/* The same in two steps, between which it can be filled: the file system that is mounted nowhere
 * yet (a descriptor of its root for openat(2), or a negative errno), and putting it in its place.
 * Where mount_is_missing() says so of what mount_make() returned, mount(2) is all there is (before
 * Linux 5.2, or a filter knows no other). */
int mount_make(const char *type, unsigned long flags, const char *options);
int mount_place(int fd, const char *path);
static inline bool mount_is_missing(int r)
{
    return r == -ENOSYS || r == -EPERM;
}
/* Attaches it. */
int mount_attach(int fd, const char *path);

/* Opens `path` as if `root_fd` were /: symbolic links cannot lead out of it. O_PATH. */
int open_in_root(int root_fd, const char *path);

/* 1 if something is mounted at the path itself, 0, or a negative errno. */
int is_mount_point(const char *path);

/* Adds read-only, noexec, nosuid, nodev (MS_...) to one mount, keeping what it has. `now` are its
 * present flags, for kernels without mount_setattr(2). */
int mount_add_flags(const char *path, unsigned long flags, unsigned long now);

/* Makes the file system at the folder `path` the root, and lets the old one go. */
int mount_become_root(const char *path);

/* Sets the propagation (MS_SHARED, MS_SLAVE, MS_PRIVATE) of all mounts in the caller's new mount
 * namespace. In a chroot, whose root is a folder like any other, it is made a mount first, and the
 * caller's root is that. 0 or a negative errno. */
int mount_set_propagation(unsigned long propagation);
