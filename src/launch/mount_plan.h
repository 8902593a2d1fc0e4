/* launch/mount_plan.h -- what the mount namespace of a unit has to look like.
 *
 * The settings of systemd.exec(5), "Sandboxing", become a list of entries, one a path, sorted so
 * that what is above comes first, the strictest of several for one path in force. Pure but for the
 * resolving of symbolic links; namespace.c carries it out. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct child;

/* In the order of precedence for the same path. */
enum mount_mode {
    MOUNT_INACCESSIBLE,
    MOUNT_BIND,
    MOUNT_PRIVATE_DEV,
    MOUNT_EMPTY,       /* a tmpfs that nothing but other mounts is in */
    MOUNT_PRIVATE_SYS, /* a sysfs of the new network namespace */
    MOUNT_SYS,         /* the host's sysfs below a root folder */
    MOUNT_DEV,         /* the host's /dev below a root folder */
    MOUNT_RUN,         /* the /run that is there: what is said of / is not said of it */
    MOUNT_PROC,
    MOUNT_CGROUP, /* a cgroup2 of the new cgroup namespace */
    MOUNT_READ_ONLY,
    MOUNT_READ_WRITE,
    MOUNT_EXEC,
    MOUNT_NO_EXEC,
    MOUNT_TMPFS,
    MOUNT_LEAVE_WRITABLE, /* what ProtectSystem=strict leaves to other settings: last */
    MOUNT_MODE_MAX,
};

struct mount_entry {
    char *path;    /* inside of the root, normalised */
    char *source;  /* MOUNT_BIND: outside of it */
    char *options; /* tmpfs: of the file system */
    enum mount_mode mode;
    const char *directive;
    bool optional;  /* a missing path (or source) is fine */
    bool read_only; /* besides what the mode says */
    bool no_exec, no_suid, no_dev;
    bool has_exec; /* exec or noexec was asked for: other such entries end here */
    bool recursive;
    bool implied;        /* a built-in path that the unit did not write */
    unsigned long flags; /* tmpfs: MS_... */
    int source_fd;       /* namespace.c: a clone of the source, opened before anything changes */
};

struct mount_plan {
    struct mount_entry *entries;
    size_t n, allocated;
    bool failed;  /* memory was out */
    bool needed;  /* a mount namespace is needed at all */
    bool no_suid; /* all entries and what is below them, since nothing may gain privileges */
};

/* Works out the plan for the child (its identity, folders and credentials have to be known). */
int mount_plan_make(struct child *c, struct mount_plan *p);

/* Sorts, merges entries of one path, drops what changes nothing. Called by mount_plan_make(), and
 * again once symbolic links are resolved. */
void mount_plan_sort(struct mount_plan *p);

/* Whether the mount API file systems are set up (MountAPIVFS= and what implies it). */
bool mount_plan_api(const struct child *c);

void mount_plan_done(struct mount_plan *p);
